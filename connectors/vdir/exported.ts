/** An export file as a collection: many items in one file, told apart by their UIDs. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ItemRef } from '../contract.js';
import { splitCalendar } from '../icalendar/split.js';
import type { KindRules } from '../kinds.js';
import { onFiles } from '../local-files.js';
import { splitCards } from '../vcard/split.js';

export interface Exported {
  readonly key: string;
  readonly version: string;
  readonly body: Buffer;
}

/** A file up to this size is split once and kept; a larger one is split again for each page of items read. */
const KEPT_BYTES = 64 * 1024 * 1024;

export class ExportFile {
  readonly #path: string;
  readonly #suffix: string;
  readonly #rules: KindRules<Buffer>;
  #kept: { readonly state: string; readonly items: readonly Exported[] } | undefined;

  constructor(path: string, suffix: string, rules: KindRules<Buffer>) {
    this.#path = path;
    this.#suffix = suffix;
    this.#rules = rules;
  }

  /** Items without their content, ascending by key. */
  async refs(): Promise<ItemRef[]> {
    const refs: ItemRef[] = [];
    for await (const { key, version, body } of this.items()) {
      refs.push({ key, version, bytes: body.length, rank: 0, meta: {} });
    }
    return refs.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** In the order of the file. Keys are UIDs; a second item of a UID gets a number. */
  async *items(): AsyncGenerator<Exported> {
    const { size, mtimeMs, ino } = await onFiles(`reading ${this.#path}`, () => stat(this.#path));
    const state = `${mtimeMs}-${size}-${ino}`;
    if (this.#kept?.state === state) {
      yield* this.#kept.items;
      return;
    }
    const kept: Exported[] = [];
    const times = new Map<string, number>();
    for await (const body of this.#bodies()) {
      const uid = this.#rules.versioned?.identities(body, ['uid'])[0]?.slice('uid:'.length) ?? '';
      const name = uid === '' ? this.#rules.digest(body).slice(0, 32) : uid;
      const time = (times.get(name) ?? 0) + 1;
      times.set(name, time);
      const version = createHash('sha256').update(body).digest('hex').slice(0, 32);
      const item = { key: time === 1 ? name : `${name}#${time}`, version, body };
      if (size <= KEPT_BYTES) kept.push(item);
      yield item;
    }
    if (size <= KEPT_BYTES) this.#kept = { state, items: kept };
  }

  async *#bodies(): AsyncGenerator<Buffer> {
    const chunks = createReadStream(this.#path) as AsyncIterable<Buffer>;
    if (this.#suffix === '.vcf') yield* splitCards(chunks);
    else for await (const { body } of splitCalendar(chunks)) yield body;
  }
}
