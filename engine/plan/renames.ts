/**
 * Files that have another name in the source now. A run renames their copies (departed.ts), told by what stays with a
 * file or by its content; a plan knows only at the end of a listing what has left the source, and takes back then what
 * it counted as a create and a removal.
 */
import type { Described, Digest, NameRules } from '../../connectors/contract.js';
import type { Planned, PlannedItem } from '../../ledger/planned.js';
import { staysWithFile } from '../carry/renamed.js';
import { sameToTarget } from '../select/names.js';

/** A new item at whose path nothing stands; or, with `at`, perhaps only its own copy under a name that is the same there. */
export interface Arrived {
  readonly item: Pick<Described, 'key' | 'bytes' | 'meta'>;
  readonly bytes: number;
  /** Known where the content was read, in a dry run: then it tells, as in a run. */
  readonly digest?: Digest;
  /** Its path, where something of its size stands. */
  readonly at?: string;
}

/** What came and what left under other names, as far as one may be the other. */
export interface Renames {
  /** Counted as to be created, or compared. */
  arrive(items: readonly Arrived[]): Promise<void>;
  /** No longer listed by the source; counted as to be removed where the spec mirrors deletions. */
  depart(items: readonly PlannedItem[]): void;
  /** Those that left and may be among the new ones. */
  candidates(): readonly PlannedItem[];
  /** New items with what each of them was; none twice. */
  match(free: ReadonlySet<PlannedItem>): readonly Match[];
  /** Sizes of both new files and files that left, where nothing but the content could tell. */
  alike(taken: ReadonlySet<PlannedItem>): readonly Alike[];
}

interface Match extends Pick<Pending, 'bytes' | 'at'> {
  readonly from: PlannedItem;
}

export interface Alike {
  readonly count: number;
  /** Of a single file of that size on either side. */
  readonly named?: { readonly from: string; readonly to: string };
}

interface Pending {
  readonly bytes: number;
  readonly was: readonly string[];
  readonly digest: Digest | undefined;
  readonly at: string | undefined;
}

/** Holds what may have been renamed, and of other new files no more than their sizes. */
export function createRenames(
  planned: Pick<Planned, 'sameFiles' | 'digests'>,
  rules: NameRules,
  container: number,
): Renames {
  const pending: Pending[] = [];
  const sizes = new Map<number, { count: number; first: string | undefined }>();
  const departed = new Map<string, PlannedItem>();
  const byDigest = new Map<Digest, PlannedItem[]>();

  const addSize = (bytes: number, key: string): void => {
    const known = sizes.get(bytes);
    if (known) known.count++;
    else sizes.set(bytes, { count: 1, first: sizes.size < MAX_NAMED ? key : undefined });
  };

  return {
    async arrive(items) {
      const read = items.flatMap(({ digest }) => digest ?? []);
      const digests = await planned.digests(container, read);
      const listed = items.filter(({ item, digest }) => digest === undefined && staysWithFile(item));
      const same = await planned.sameFiles(
        container,
        listed.map(({ item }) => item),
      );
      for (const { item, bytes, digest, at } of items) {
        const was = same.get(item.key) ?? [];
        // Without content one is like another (departed.ts): folders and empty files are made anew.
        if (bytes === 0) continue;
        if (was.length > 0 || (digest !== undefined && digests.has(digest))) pending.push({ bytes, was, digest, at });
        else if (at === undefined && digest === undefined && item.meta.type === 'file') addSize(bytes, item.key);
      }
    },
    depart(items) {
      for (const item of items) {
        if (item.digest === null || item.bytes === 0) continue;
        departed.set(item.key, item);
        const known = byDigest.get(item.digest);
        if (known) known.push(item);
        else byDigest.set(item.digest, [item]);
      }
    },
    candidates() {
      const may = new Set(pending.flatMap(({ was }) => was.flatMap((key) => departed.get(key) ?? [])));
      for (const digest of new Set(pending.map((one) => one.digest))) {
        for (const item of digest === undefined ? [] : (byDigest.get(digest) ?? [])) may.add(item);
      }
      return [...may];
    },
    match(free) {
      const left = new Set(free);
      const pools = new Map(
        [...byDigest].map(([digest, items]) => [digest, items.filter((item) => free.has(item)).reverse()]),
      );
      const fits = (item: PlannedItem, at: string | undefined): boolean =>
        left.has(item) && (at === undefined || sameToTarget(rules, item.targetRef as string, at));
      return pending.flatMap(({ bytes, was, digest, at }) => {
        const from =
          digest === undefined
            ? was.flatMap((key) => departed.get(key) ?? []).find((item) => fits(item, at))
            : pools.get(digest)?.pop();
        if (from) left.delete(from);
        return from ? [{ bytes, from, at }] : [];
      });
    },
    alike(taken) {
      const left = new Map<number, PlannedItem[]>();
      for (const item of departed.values()) {
        // What had left before was told by an earlier plan, and looked at by an earlier run.
        if (item.gone || taken.has(item) || !sizes.has(item.bytes)) continue;
        const known = left.get(item.bytes);
        if (known) known.push(item);
        else left.set(item.bytes, [item]);
      }
      return [...left].map(([bytes, items]) => {
        const { count, first } = sizes.get(bytes) as { count: number; first: string | undefined };
        const [only] = items;
        const single = count === 1 && items.length === 1 && only !== undefined && first !== undefined;
        return {
          count: Math.min(count, items.length),
          ...(single && { named: { from: only.key, to: first } }),
        };
      });
    },
  };
}

/** So many sizes are held with a name. */
const MAX_NAMED = 10_000;
