/**
 * Listings that come in no order (docs/decisions/0036-listings-without-order.md). What a page names is written down, and
 * its keys are staged beside the cursor behind it, in one transaction. What the whole listing lacks is only suspected to be
 * gone: pages shift while people add and delete. It is gone when the changes since the token say so, when the source does
 * not have it under its key, or when a second listing lacks it too.
 */
import type { Container, ItemRef, Page, Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { isUnseen } from '../../connectors/kinds/files.js';
import { noteFilter } from '../../ledger/events.js';
import { countCopied, stageChanges, stageItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Sql } from '../../ledger/ledger.js';
import { freshOf, unseenUpTo, unsettledBelow, withTold } from '../../ledger/listed.js';
import {
  countStaged,
  lackedBy,
  markLacking,
  stageHidden,
  stageKeys,
  sweepListings,
  unstageKeys,
} from '../../ledger/staged.js';
import type { ListingState, Survey } from '../../ledger/surveys.js';
import { advanceUnordered, finishSurvey, startUnordered } from '../../ledger/surveys.js';
import { clearUnlisted } from '../../ledger/unlisted.js';
import { FittingGlobs } from '../select/fitting-globs.js';
import { coversItem } from '../select/selecting.js';
import { opensFolder } from '../select/selecting-files.js';
import type { Slice } from '../slice/slice.js';
import { applyChanges } from './changes.js';
import { filterOf, folded, isUndescribed, leaveUncovered, writeBehind } from './listing-rules.js';

/** Fewer than these are asked for one by one; for more a second listing is cheaper. */
const ASKED = 1_000;
/** So many items are marked in one transaction. */
const MARKED = 10_000;

interface Unordered {
  readonly slice: Slice;
  readonly source: Source<unknown>;
  readonly container: Container;
  readonly row: { readonly id: number };
  /** The number of the listing. */
  readonly id: number;
  /** Whether all its pages are seen by this slice. */
  readonly globs: FittingGlobs | undefined;
  state: ListingState;
  cursor: string | null;
  token: string | null;
  undescribed: boolean;
}

/** False: the slice ended before the listing did. */
export async function listUnordered(
  slice: Slice,
  source: Source<unknown>,
  {
    container,
    row,
    survey,
  }: { readonly container: Container; readonly row: { readonly id: number }; readonly survey: Survey },
): Promise<boolean> {
  const { listingId: id, listingState: state, listingAfter: cursor, listingToken: token } = survey;
  // Without a cursor the pages that were staged have no place to go on from.
  const goesOn = id !== null && state !== null && !(state === 'listing' && cursor === null);
  const of = { slice, source, container, row };
  const listing = goesOn ? { ...of, id, state, cursor, token, undescribed: false, globs: undefined } : await begin(of);
  try {
    return await list(listing);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'cursor-lost') throw error;
    // What was had of a second listing stands; of a first one some may be gone since.
    return list(listing.state === 'again' ? { ...listing, cursor: null } : await begin(of));
  }
}

async function begin(of: Pick<Unordered, 'slice' | 'source' | 'container' | 'row'>): Promise<Unordered> {
  const { slice, container, row } = of;
  const { deps, lease, rules, input, selection, run } = slice;
  await sweepListings(deps.ledger);
  const listing = { run, token: container.token, filter: filterOf(slice) };
  const id = await fenced(deps.ledger, lease, (sql) => startUnordered(sql, row.id, slice, listing));
  const globs = rules.place === 'path' && !input.back ? new FittingGlobs(selection) : undefined;
  return { ...of, id, globs, state: 'listing', cursor: null, token: container.token ?? null, undescribed: false };
}

async function list(listing: Unordered): Promise<boolean> {
  const { slice } = listing;
  while (listing.state !== 'marking') {
    if (listing.state === 'suspecting') await askAfterLacking(listing);
    else if (!(await takePages(listing))) return false;
    if (slice.asked()) return false;
  }
  while (!(await markAndFinish(listing))) if (slice.ending()) return false;
  await sweepListings(slice.deps.ledger);
  return true;
}

/** All pages from the cursor on. False: the slice ended before the last. */
async function takePages(listing: Unordered): Promise<boolean> {
  const { slice, source, container, cursor } = listing;
  const opens = opensFolder(slice.selection);
  return writeBehind(
    source.list(container, cursor ?? undefined, slice.signal, opens),
    // Where there is no place to go on from, only a person ends it.
    (written) => (written.cursor === undefined ? slice.asked() : slice.ending()),
    (page, last) => writePage(listing, page, last),
  );
}

async function writePage(listing: Unordered, page: Page<ItemRef>, last: boolean): Promise<void> {
  const { slice, row, globs, state } = listing;
  const { deps, lease, tally } = slice;
  const covers = coversItem(slice.selection);
  const entries = await withTold(deps.ledger.pool, row.id, lastOfEach(page.entries));
  const items = entries.filter(covers);
  for (const item of entries) globs?.seeEntry(item);
  const excluded = entries.flatMap((item) => (covers(item) ? [] : [item.key]));
  const to = {
    state: last ? (state === 'again' ? 'marking' : 'suspecting') : state,
    cursor: page.cursor ?? listing.cursor,
    // What a second listing lacks and the first one had is told by the changes since the first.
    ...(last && state === 'listing' && page.token !== undefined && { token: page.token }),
  } as const;
  await fenced(deps.ledger, lease, async (sql) => {
    const named = await stagePage(sql, listing, entries);
    await leaveUncovered(sql, slice, row.id, excluded);
    await takeBack(sql, listing, page.gone ?? []);
    const anew = excluded.filter((key) => named.has(key));
    const left = anew.length - (await countCopied(sql, row.id, anew));
    await advanceUnordered(sql, row.id, slice, { ...to, excluded: left });
  });
  Object.assign(listing, to);
  listing.undescribed ||= items.some((item) => isUndescribed(slice, item));
  tally.items += items.length;
  tally.bytes += items.reduce((sum, item) => sum + (item.bytes ?? 0), 0);
}

async function takeBack(sql: Sql, { slice, row, id }: Unordered, keys: readonly string[]): Promise<void> {
  await unstageKeys(sql, id, keys);
  const gone = keys.map((key) => ({ change: 'gone', key }) as const);
  await stageChanges(sql, row.id, gone, slice.run, slice.rules.edits);
}

/** Stages entries, and writes down what is new or changed of them. Answers the keys that had not been named before. */
async function stagePage(sql: Sql, listing: Unordered, entries: readonly ItemRef[]): Promise<ReadonlySet<string>> {
  const { slice, row, id } = listing;
  const covers = coversItem(slice.selection);
  const named = await stageKeys(
    sql,
    id,
    entries.map(({ key }) => key),
  );
  const staged = (await freshOf(sql, row.id, entries)).filter(covers);
  await stageItems(sql, row.id, staged, slice.run, slice.rules.edits, folded(slice, staged));
  if (slice.rules.place === 'path') await hide(sql, listing, entries);
  return named;
}

/** Folders that could not be looked into, and those of which the selection wants nothing. */
async function hide(sql: Sql, { slice, row, id }: Unordered, entries: readonly ItemRef[]): Promise<void> {
  const opens = opensFolder(slice.selection);
  const unseen = entries.filter(isUnseen).map(({ key }) => (key.endsWith('/') ? key : `${key}/`));
  const passed = entries.filter((item) => item.key.endsWith('/') && !isUnseen(item) && !opens(item.key));
  const below = passed.map(({ key }) => key);
  await stageHidden(sql, id, [...unseen, ...below]);
  if (below.length === 0) return;
  await leaveUncovered(sql, slice, row.id, await unsettledBelow(sql, row.id, { after: '', to: undefined }, below));
}

/** Looks for what the listing lacks where the source can tell; else it is to be listed once more. */
async function askAfterLacking(listing: Unordered): Promise<void> {
  const { slice, source, container, row, id } = listing;
  const { pool } = slice.deps.ledger;
  // Pages that shifted may have passed over items that nothing is known of yet: only their number tells, or what left.
  const short = (container.items ?? 0) - (await countStaged(pool, id));
  const { named, unnamed } = await takeChanges(listing);
  if (named > 0 || short > unnamed) return turnTo(listing, 'again');
  const left = await lackedBy(pool, row.id, id, ASKED + 1);
  if (left.length === 0) return turnTo(listing, 'marking');
  if (!source.present || left.length > ASKED) return turnTo(listing, 'again');
  for await (const page of source.present(container, left, slice.signal)) {
    await fenced(slice.deps.ledger, slice.lease, (sql) => stagePage(sql, listing, page.entries));
  }
  await turnTo(listing, 'marking');
}

/**
 * What changed since the token: what it says is gone is so for certain, and what it names is there. Answers how many it
 * says are gone: those that the listing had named, behind which the pages moved up, and those that it had not.
 */
async function takeChanges(listing: Unordered): Promise<{ readonly named: number; readonly unnamed: number }> {
  const { slice, source, container, row, id, token } = listing;
  let named = 0;
  let unnamed = 0;
  if (token === null || !source.changes) return { named, unnamed };
  try {
    const applied = await applyChanges(slice, source, container, row, token, async (sql, changes) => {
      const there = changes.flatMap((change) => (change.change === 'gone' ? [] : [change.item.key]));
      const gone = changes.flatMap((change) => (change.change === 'gone' ? [change.key] : []));
      await stageKeys(sql, id, there);
      const left = await unstageKeys(sql, id, gone);
      named += left;
      unnamed += gone.length - left;
      // They are not staged any more: who goes on after a crash could not tell.
      if (left > 0) await advanceUnordered(sql, row.id, slice, { state: 'again', cursor: null });
    });
    listing.undescribed ||= applied.undescribed;
    if (applied.token !== undefined) await turnTo(listing, named > 0 ? 'again' : 'suspecting', applied.token);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'cursor-lost') throw error;
  }
  return { named, unnamed };
}

async function turnTo(listing: Unordered, state: ListingState, token?: string): Promise<void> {
  const { slice, row } = listing;
  const to = { state, cursor: null, ...(token !== undefined && { token }) };
  await fenced(slice.deps.ledger, slice.lease, (sql) => advanceUnordered(sql, row.id, slice, to));
  Object.assign(listing, to);
}

/** Marks what is lacking as gone; with the last of it the token is committed. False: there may be more. */
async function markAndFinish({ slice, row, id, globs, token, undescribed }: Unordered): Promise<boolean> {
  const { deps, lease, run, input, rules } = slice;
  return fenced(deps.ledger, lease, async (sql) => {
    if ((await markLacking(sql, row.id, id, run, MARKED)) === MARKED) return false;
    const unseen = rules.place === 'path' ? await unseenUpTo(sql, row.id, LAST_KEY) : [];
    for (const said of globs?.said() ?? []) await noteFilter(sql, input, said);
    await clearUnlisted(sql, row.id, 'source');
    // What could not be shown is asked for again, whether the rest changes or not.
    const whole = unseen.every((one) => one.leftOut) && !undescribed;
    await finishSurvey(sql, row.id, slice, { token: whole ? token : null, filter: filterOf(slice) }, run);
    return true;
  });
}

/** No key is above it: text of PostgreSQL ends with U+10FFFF. */
const LAST_KEY = '\u{10ffff}';

/** Of what a page repeats the last one counts. */
function lastOfEach(entries: readonly ItemRef[]): readonly ItemRef[] {
  const last = new Map(entries.map((item) => [item.key, item]));
  return last.size === entries.length ? entries : [...last.values()];
}
