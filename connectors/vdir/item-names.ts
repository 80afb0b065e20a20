/** The names of a folder's files: which UID has which, and which is free for a new one. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { KindRules } from '../kinds/kinds.js';
import type { Suffix } from '../local/item-files.js';
import { atOnce, contentOf, isItem } from '../local/item-files.js';
import { folded } from './make-collection.js';

const MAX_STEM = 120;

export class ItemNames {
  readonly #folder: string;
  readonly #suffix: Suffix;
  readonly #rules: KindRules<Buffer>;
  readonly #identities = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #folded = new Set<string>();

  constructor(folder: string, suffix: Suffix, rules: KindRules<Buffer>) {
    this.#folder = folder;
    this.#suffix = suffix;
    this.#rules = rules;
  }

  /** Looks at what other programs added and removed since; reads each file once. */
  async refresh(): Promise<void> {
    const all = await readdir(this.#folder);
    const there = new Set(all.filter((name) => isItem(name, this.#suffix)));
    for (const name of this.#identities.keys()) if (!there.has(name)) this.forget(name);
    const unread = [...there].filter((name) => !this.#identities.has(name)).sort();
    await atOnce(unread, async (name) => {
      const body = await contentOf(this.#folder, name);
      this.#remember(name, body ? this.identityOf(body) : '');
    });
    // Folders, and files that are not items, take names too.
    this.#folded.clear();
    for (const name of all) this.#folded.add(folded(name));
  }

  /** The UID, or what follows from the content of an item without one. */
  identityOf(body: Buffer): string {
    return this.#rules.identities(body, ['uid'])[0] ?? `digest:${this.#rules.digest(body)}`;
  }

  /**
   * The file that has this item's UID already, or a name for the new file, taken from now on. It is the UID where that
   * makes a name on every file system, else a hash of it; the same each time, as far as others leave it free.
   */
  nameFor(body: Buffer): { readonly taken: string } | { readonly free: string } {
    const identity = this.identityOf(body);
    const taken = this.#names.get(identity);
    if (taken !== undefined) return { taken };
    for (const stem of stems(identity)) {
      const free = `${stem}${this.#suffix}`;
      if (this.#folded.has(folded(free))) continue;
      this.#remember(free, identity);
      return { free };
    }
    throw new Error('names never end');
  }

  /** After a file was replaced or removed, or could not be written. */
  forget(name: string): void {
    const identity = this.#identities.get(name);
    this.#identities.delete(name);
    this.#folded.delete(folded(name));
    if (identity !== undefined && this.#names.get(identity) === name) this.#names.delete(identity);
  }

  replaced(name: string, body: Buffer): void {
    this.forget(name);
    this.#remember(name, this.identityOf(body));
  }

  #remember(name: string, identity: string): void {
    this.#identities.set(name, identity);
    this.#folded.add(folded(name));
    if (identity !== '' && !this.#names.has(identity)) this.#names.set(identity, name);
  }
}

function* stems(identity: string): Generator<string> {
  const plain = identity.startsWith('uid:') ? identity.slice('uid:'.length) : '';
  if (plain.length <= MAX_STEM && /^[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*$/.test(plain)) yield plain;
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 40);
  yield hash;
  for (let n = 2; ; n++) yield `${hash}-${n}`;
}
