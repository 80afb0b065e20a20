/** Names of the source that the target would take for the same, before anything is in the ledger. */
import { createHash } from 'node:crypto';
import type { Container, NameRules } from '../../connectors/contract.js';
import type { PlannedContainer } from '../../ledger/planned.js';
import type { Twins } from '../select/names.js';
import { foldedPath, inOrder, NO_TWINS } from '../select/names.js';
import { coversItem } from '../select/selecting.js';
import { opensFolder } from '../select/selecting-files.js';
import type { Look } from './look.js';

/**
 * Groups of keys that go to the same path, those placed already first. Lists the source once for hashes of 8 bytes each,
 * and only where two are equal once more for their keys. Nothing is listed for a target that keeps all names apart.
 */
export async function twinsAhead(look: Look, container: Container, row: PlannedContainer | undefined): Promise<Twins> {
  const rules = look.target.names ?? {};
  if (!merges(rules)) return NO_TWINS;
  const hashes = new Hashes();
  for await (const { path } of folded(look, container, rules)) hashes.add(hashOf(path));
  const twice = hashes.twice();
  if (twice.size === 0) return NO_TWINS;
  const groups = new Map<string, string[]>();
  for await (const { key, path } of folded(look, container, rules)) {
    if (!twice.has(hashOf(path))) continue;
    const known = groups.get(path);
    if (known) known.push(key);
    else groups.set(path, [key]);
  }
  const twins = [...groups.values()].filter((keys) => keys.length > 1);
  const placed = row ? await look.planned.items(row.id, twins.flat()) : new Map();
  const there = new Set([...placed].flatMap(([key, item]) => (item.targetRef === null ? [] : [key])));
  return {
    groups: twins.map((keys) => inOrder(rules, keys, there)),
    isTaken: (path) => hashes.has(hashOf(path)),
  };
}

/** Whether the target may have one name for two of the source. */
function merges({ forbidden, endings, suffixes, reserved, caseless, formless }: NameRules): boolean {
  return Boolean(forbidden || endings || suffixes?.length || reserved?.length || caseless || formless);
}

async function* folded(
  { source, selection, signal }: Look,
  container: Container,
  rules: NameRules,
): AsyncGenerator<{ readonly key: string; readonly path: string }> {
  const covers = coversItem(selection);
  for await (const { entries } of source.list(container, undefined, signal, opensFolder(selection))) {
    for (const item of entries) {
      if (!covers(item)) continue;
      const { key } = item;
      yield { key, path: foldedPath(rules, selection, key) ?? key.replace(/\/$/, '') };
    }
  }
}

/** 48 bits, so that it is an exact number. Two paths with one hash only cost the second listing. */
function hashOf(path: string): number {
  return createHash('sha1').update(path).digest().readUIntBE(0, 6);
}

class Hashes {
  #all = new Float64Array(65_536);
  #count = 0;

  add(hash: number): void {
    if (this.#count === this.#all.length) {
      const larger = new Float64Array(this.#all.length * 2);
      larger.set(this.#all);
      this.#all = larger;
    }
    this.#all[this.#count++] = hash;
  }

  /** Ends the adding. */
  twice(): ReadonlySet<number> {
    const sorted = this.#all.subarray(0, this.#count).sort();
    return new Set(sorted.filter((hash, at) => at > 0 && sorted[at - 1] === hash));
  }

  /** After `twice`. */
  has(hash: number): boolean {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#all[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && this.#all[low] === hash;
  }
}
