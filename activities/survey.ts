/** Survey: asks the source what there is, or what changed, and writes down what is to do. */
import type { Change, Container, ItemRef, Page, Source } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import type { ContainerRow } from '../ledger/containers.js';
import {
  advanceListing,
  finishSurvey,
  markVanished,
  seeContainer,
  setExcluded,
  startListing,
  voidKeys,
} from '../ledger/containers.js';
import { writeEvent } from '../ledger/events.js';
import { lookAtConflicts, stageChanges, stageItems, unskip } from '../ledger/items.js';
import { fenced } from '../ledger/leases.js';
import type { Sql } from '../ledger/ledger.js';
import { compareListing, markUnlisted } from '../ledger/listed.js';
import { isSettled } from '../ledger/settled.js';
import { canonicalJson } from '../schemas/hash.js';
import { foldedPath } from './files/names.js';
import { inLanes, withLanes } from './lanes.js';
import { coversContainer, coversItem, wantedContainer } from './selecting.js';
import type { Slice, WorkResult } from './slice.js';
import { wentAway } from './went-away.js';

export async function survey(slice: Slice): Promise<WorkResult> {
  const { deps, pairing, lease, signal } = slice;
  const covers = coverage(slice);
  const filter = filterOf(slice);
  const containers: Container[] = [];
  for await (const container of slice.source.containers(signal)) containers.push(container);
  const open = await fenced(deps.ledger, lease, async (sql) => {
    const changed: Seen[] = [];
    if (slice.rules.versioned) await lookAtConflicts(sql, pairing.id);
    for (const container of containers) {
      if (!covers(container.path)) continue;
      const row = await see(sql, slice, container, filter);
      if (row.surveyedRun === slice.run) continue;
      const idle = row.token !== null && row.listingAfter === null && row.token === container.token;
      if (idle) await finishSurvey(sql, row.id, { token: row.token, filter }, slice.run);
      else changed.push({ container, row });
    }
    await markVanished(
      sql,
      pairing.id,
      containers.map((container) => container.key),
      slice.run,
    );
    return changed;
  });
  const lanes = Math.min(SURVEY_LANES, Math.ceil(open.length / CONTAINERS_PER_LANE));
  let all = true;
  await withLanes(lanes - 1, slice.sourceLane, (further) =>
    inLanes([slice.source, ...further], open, slice.ending, async (session, seen) => {
      if (!(await surveyContainer(slice, session, seen))) all = false;
    }).then((workedOff) => {
      all &&= workedOff;
    }),
  );
  if (!all) return 'more';
  return (await isSettled(deps.ledger, pairing.id, slice.selection.deletions === 'mirror')) ? 'settled' : 'done';
}

/** Most of a survey's time is round trips, one folder after the other. */
const SURVEY_LANES = 2;
const CONTAINERS_PER_LANE = 4;

interface Seen {
  readonly container: Container;
  readonly row: ContainerRow;
}

/** The rules that decide which items are written down; a token stands only for what was listed under the same. */
export function filterOf({ selection, rules }: Pick<Slice, 'selection' | 'rules'>): string {
  const { folders: _in, ...include } = selection.include ?? {};
  const { folders: _out, ...exclude } = selection.exclude ?? {};
  if (rules.paths) {
    const { include, exclude, map, names = 'fail' } = selection;
    // What is old enough today was not yesterday.
    const ages = [include, exclude].some((filter) => filter?.olderThan ?? filter?.newerThan);
    const day = ages ? { day: new Date().toISOString().slice(0, 10) } : {};
    return canonicalJson({ include, exclude, map, names, ...day });
  }
  if (!rules.versioned) return canonicalJson({ include, exclude });
  const { match = ['uid'], withoutEmail = 'move' } = selection;
  return canonicalJson({ include, exclude, match, withoutEmail });
}

/** What the target would take for the same path, for kinds whose items stand under paths. */
function folded({ rules, target, selection }: Slice, items: readonly ItemRef[]): (string | null)[] | undefined {
  if (!rules.paths) return undefined;
  return items.map(({ key }) => foldedPath(target.names ?? {}, selection, key));
}

/** Filters speak of paths in the spec's source: going back, a path is first mapped to that side. */
function coverage({ selection, input }: Slice): (path: readonly string[]) => boolean {
  const covers = coversContainer(selection);
  return input.back ? (path) => covers(wantedContainer(selection, { path }).path) : covers;
}

async function see(sql: Sql, slice: Slice, container: Container, filter: string): Promise<ContainerRow> {
  const { pairing, input } = slice;
  const seen = await seeContainer(sql, pairing.id, container);
  if (seen.validity === container.validity) {
    if (seen.filter !== filter && slice.rules.versioned) await unskip(sql, seen.id);
    return seen.filter === filter ? seen : { ...seen, token: null, listingToken: null, listingAfter: null };
  }
  await voidKeys(sql, seen.id, pairing.target, container.validity);
  await writeEvent(sql, input, 'warn', 'the source renumbered a folder; its items are recognised by digest', {
    container: seen.id,
  });
  return { ...seen, validity: container.validity, token: null, listingToken: null, listingAfter: null, surveyedRun: 0 };
}

/** False: the slice ended before the container's last page. */
async function surveyContainer(slice: Slice, source: Source<unknown>, seen: Seen): Promise<boolean> {
  try {
    return await surveyPresent(slice, source, seen);
  } catch (error) {
    if (!(await wentAway({ ...slice, source }, error, seen.container.key, slice.signal))) throw error;
    return true;
  }
}

async function surveyPresent(slice: Slice, source: Source<unknown>, { container, row }: Seen): Promise<boolean> {
  if (row.listingAfter === null && row.token !== null && source.changes) {
    try {
      await applyChanges(slice, source, container, row);
      return true;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'cursor-lost') throw error;
    }
  }
  return listContainer(slice, source, container, row);
}

async function applyChanges(
  slice: Slice,
  source: Source<unknown>,
  container: Container,
  row: ContainerRow,
): Promise<void> {
  const { deps, lease, signal, tally } = slice;
  const covers = coversItem(slice.selection);
  const pages = source.changes?.(container, row.token as string, signal) as AsyncIterable<Page<Change>>;
  for await (const page of pages) {
    const changes = page.entries.filter((change) => change.change === 'gone' || covers(change.item));
    await fenced(deps.ledger, lease, (sql) => stageChanges(sql, row.id, changes, slice.run, slice.rules.edits));
    tally.items += changes.length;
  }
  await fenced(deps.ledger, lease, (sql) =>
    finishSurvey(sql, row.id, { token: container.token ?? null, filter: filterOf(slice) }, slice.run),
  );
}

/**
 * Lists page by page; each is written down together with the place to go on from, while the next is read. The token was
 * taken before the first page and is committed with the last, so that nothing between can be missed.
 */
async function listContainer(
  slice: Slice,
  source: Source<unknown>,
  container: Container,
  row: ContainerRow,
): Promise<boolean> {
  const { deps, lease, signal, tally } = slice;
  const covers = coversItem(slice.selection);
  let after = row.listingAfter ?? '';
  let token = row.listingToken;
  if (row.listingAfter === null) {
    token = container.token ?? null;
    await fenced(deps.ledger, lease, async (sql) => {
      await startListing(sql, row.id, container.token, filterOf(slice));
      await setExcluded(sql, row.id, 0, true);
    });
  }
  const write = async (page: readonly ItemRef[], last: boolean): Promise<void> => {
    const items = page.filter(covers);
    const to = last ? undefined : page.at(-1)?.key;
    const range = { after, to };
    await fenced(deps.ledger, lease, async (sql) => {
      const { fresh, isUnlisted } = await compareListing(sql, row.id, range, page);
      const staged = fresh.filter(covers);
      await stageItems(sql, row.id, staged, slice.run, slice.rules.edits, folded(slice, staged));
      if (isUnlisted) {
        const listed = page.map((item) => item.key);
        await markUnlisted(sql, row.id, range, listed, slice.run);
      }
      if (items.length < page.length) await setExcluded(sql, row.id, page.length - items.length, false);
      if (last) await finishSurvey(sql, row.id, { token, filter: filterOf(slice) }, slice.run);
      else await advanceListing(sql, row.id, to as string);
    });
    after = to ?? after;
    tally.items += items.length;
    tally.bytes += items.reduce((sum, item) => sum + item.bytes, 0);
  };
  let page: readonly ItemRef[] | undefined;
  // A page is written down while the source is asked for the next.
  let written: Promise<void> | undefined;
  try {
    for await (const next of source.list(container, row.listingAfter ?? undefined, signal)) {
      await written;
      if (written && slice.ending()) return false;
      if (page && page.length > 0) {
        written = write(page, false);
        // It is waited for above or below, where its failure is thrown.
        written.catch(() => {});
      }
      page = next.entries;
    }
  } finally {
    await written;
  }
  await write(page ?? [], true);
  return true;
}
