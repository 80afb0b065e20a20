/** An export file as a collection: many items in one file, told apart by their UIDs. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ContainerProperties, ItemRef } from '../contract.js';
import { unicode } from '../formats/icalendar/charset.js';
import { fileLines, TOO_LARGE } from '../formats/icalendar/file-lines.js';
import { parsedLine, unescaped } from '../formats/icalendar/lines.js';
import type { SplitObject } from '../formats/icalendar/split.js';
import { splitCalendar } from '../formats/icalendar/split.js';
import { splitCards } from '../formats/vcard/split.js';
import { compareKeys } from '../kinds/key-order.js';
import type { KindRules } from '../kinds/kinds.js';
import type { Suffix } from '../local/item-files.js';
import { versionOf } from '../local/item-files.js';
import { onFiles } from '../local/local-files.js';
import type { Kept } from './spool.js';
import { Spool } from './spool.js';

interface Split {
  /** Of the file when it was split. */
  readonly state: string;
  readonly spool: Spool;
  /** Ascending by key. */
  readonly items: ReadonlyMap<string, Item>;
}

/** What is kept of an item; one that is not to be had has a reason instead of a place. */
type Item = { readonly version: string; readonly bytes: number } & (Kept | { readonly problem: string });

/** A file that is split once and again when it changed. Memory: its keys, not its items. */
export class ExportFile {
  readonly #path: string;
  readonly #suffix: Suffix;
  readonly #rules: KindRules<Buffer>;
  #split: Split | undefined;

  constructor(path: string, suffix: Suffix, rules: KindRules<Buffer>) {
    this.#path = path;
    this.#suffix = suffix;
    this.#rules = rules;
  }

  /** Ascending by key. Keys are UIDs; a second item of a UID gets a number. */
  async refs(check: () => void): Promise<ItemRef[]> {
    const { items } = await this.#current(check);
    return [...items].map(([key, { version, bytes }]) => ({ key, version, bytes, rank: 0, meta: {} }));
  }

  /** Undefined when the file holds no such item any more; a text tells why it is not to be had. */
  async read(key: string, check: () => void): Promise<Buffer | string | undefined> {
    const { items, spool } = await this.#current(check);
    const kept = items.get(key);
    return kept && ('problem' in kept ? kept.problem : spool.read(kept));
  }

  async close(): Promise<void> {
    const split = this.#split;
    this.#split = undefined;
    await split?.spool.close();
  }

  async #current(check: () => void): Promise<Split> {
    return onFiles(`reading ${this.#path}`, async () => {
      const state = versionOf(await stat(this.#path, { bigint: true }));
      check();
      if (this.#split?.state === state) return this.#split;
      await this.close();
      const spool = await Spool.make();
      try {
        const items = await this.#fill(spool, check);
        check();
        this.#split = { state, spool, items };
        return this.#split;
      } catch (error) {
        await spool.close();
        throw error;
      }
    });
  }

  async #fill(spool: Spool, check: () => void): Promise<Split['items']> {
    const items: [string, Item][] = [];
    const keys = new Set<string>();
    for await (const { uid, body, problem } of this.#bodies()) {
      check();
      const plain = plainKey(uid === '' ? this.#contentKey(body) : uid);
      let key = plain;
      for (let n = 2; keys.has(key); n++) key = `${plain}#${n}`;
      keys.add(key);
      const version = createHash('sha256').update(body).digest('hex').slice(0, 32);
      items.push([
        key,
        problem === undefined ? { ...(await spool.append(body)), version } : { problem, version, bytes: 0 },
      ]);
    }
    await spool.flush();
    return new Map(items.sort(([a], [b]) => compareKeys(a, b)));
  }

  /** For items without UID: by their first digest, which later versions do not change, as keys stand in ledgers. */
  #contentKey(body: Buffer): string {
    return (this.#rules.digest1 ?? this.#rules.digest)(body).slice(0, 32);
  }

  async *#bodies(): AsyncGenerator<SplitObject> {
    const chunks = createReadStream(this.#path) as AsyncIterable<Buffer>;
    if (this.#suffix === '.ics') yield* splitCalendar(chunks);
    else {
      for await (const body of splitCards(chunks)) {
        if (typeof body === 'string') {
          yield { uid: '', body: Buffer.alloc(0), problem: TOO_LARGE };
          continue;
        }
        const uid = this.#rules.identities(body, ['uid'])[0]?.slice('uid:'.length) ?? '';
        yield { uid, body };
      }
    }
  }
}

const MAX_KEY = 200;

/** Keys are kept in the ledger's index, and no database takes a NUL: odd UIDs are hashed. */
function plainKey(uid: string): string {
  const odd = uid.length > MAX_KEY || /\p{Cc}/u.test(uid);
  return odd ? createHash('sha256').update(uid).digest('hex').slice(0, 32) : uid;
}

/** What is read of a file for its name. */
const HEAD_BYTES = 64 * 1024;

/** What the head of a calendar file says of the calendar (RFC 7986, and what programs wrote before it). */
export async function calendarHead(path: string): Promise<{ readonly name?: string } & ContainerProperties> {
  const said = new Map<string, string>();
  let whole = '';
  const note = (): void => {
    const line = parsedLine(whole);
    const value = line && unicode(unescaped(line.value)).trim();
    if (value) said.set(line.name, value);
  };
  const chunks = createReadStream(path, { end: HEAD_BYTES - 1 }) as AsyncIterable<Buffer>;
  for await (const line of fileLines(chunks)) {
    if (/^BEGIN:\s*(?!VCALENDAR)/i.test(line)) break;
    if (/^[ \t]/.test(line)) whole += line.slice(1);
    else {
      note();
      whole = line;
    }
  }
  note();
  const name = said.get('NAME') ?? said.get('X-WR-CALNAME');
  const description = said.get('DESCRIPTION') ?? said.get('X-WR-CALDESC');
  const color = [said.get('X-APPLE-CALENDAR-COLOR'), said.get('COLOR')].find((one) => /^#[0-9a-f]{6}/i.test(one ?? ''));
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(color !== undefined && { color }),
  };
}
