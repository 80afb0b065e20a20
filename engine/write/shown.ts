/**
 * The place that people look into: what a target gives when it is asked for by its name, and does not list, has not
 * arrived (sabre/dav hides `desktop.ini`). One listing for each folder and slice, not one request for each file.
 */
import type { Target, TargetContainer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { folderAbove } from '../../connectors/kinds/files.js';
import type { Slice } from '../slice/slice.js';

export const HIDDEN =
  'the target gives it when it is asked for by its name, and does not list it: nobody who looks into the folder there sees it; rename it in the source, or leave it out';

/** Names that are kept of listings; beyond, the oldest listings are forgotten. */
const MOST_NAMES = 300_000;

/** Those of the references that no listing shows. */
export async function unshown(
  slice: Pick<Slice, 'lease' | 'signal'>,
  session: Target<unknown>,
  at: TargetContainer,
  refs: readonly string[],
): Promise<ReadonlySet<string>> {
  const hidden = new Set<string>();
  if (!session.shown) return hidden;
  const byFolder = new Map<string, string[]>();
  for (const ref of refs) {
    const folder = folderAbove(ref) ?? '';
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), ref]);
  }
  const known = listingsOf(slice);
  for (const [folder, asked] of byFolder) {
    const before = known.get(`${at.key} ${folder}`);
    let left = asked;
    if (before) {
      const names = await before;
      left = asked.filter((ref) => !names.has(ref));
    }
    if (left.length === 0) continue;
    // Listed for the first time, or it may have come since.
    const now = listing(session, at, folder, slice.signal);
    keep(known, `${at.key} ${folder}`, now);
    const names = await now;
    for (const ref of left) if (!names.has(ref)) hidden.add(ref);
  }
  return hidden;
}

async function listing(
  session: Target<unknown>,
  at: TargetContainer,
  folder: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  try {
    for await (const { entries } of session.shown?.(at, folder, signal) ?? [])
      for (const ref of entries) names.add(ref);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
  }
  return names;
}

type Listings = Map<string, Promise<ReadonlySet<string>>>;

const bySlice = new WeakMap<object, Listings>();

function listingsOf({ lease }: Pick<Slice, 'lease'>): Listings {
  const known: Listings = bySlice.get(lease) ?? new Map();
  bySlice.set(lease, known);
  return known;
}

/** A failed one is asked for again by the next. */
function keep(known: Listings, name: string, listed: Promise<ReadonlySet<string>>): void {
  known.delete(name);
  known.set(name, listed);
  listed.then(
    async () => {
      let names = 0;
      for (const [one, listing] of [...known].reverse()) {
        names += (await listing.catch(() => new Set())).size;
        if (names > MOST_NAMES && one !== name) known.delete(one);
      }
    },
    () => known.delete(name),
  );
}
