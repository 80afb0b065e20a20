/** Survey: asks the source what there is, or what changed, and writes down what is to do. */
import type { Change, Container, ItemRef, Page, Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { markVanished, seeContainer, voidKeys } from '../../ledger/containers.js';
import { noteFilter, writeEvent } from '../../ledger/events.js';
import { leaveOut, stageChanges, stageItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Sql } from '../../ledger/ledger.js';
import { compareListing, markUnlisted, unseenUpTo, unsettledBelow } from '../../ledger/listed.js';
import { lookAtConflicts, lookAtFailures, undescribedIn, unskip } from '../../ledger/look-again.js';
import { isSettled } from '../../ledger/settled.js';
import type { Survey } from '../../ledger/surveys.js';
import {
  advanceListing,
  coverContainer,
  coverOnly,
  finishSurvey,
  startListing,
  voidSurveys,
} from '../../ledger/surveys.js';
import { releaseTwins } from '../../ledger/twins.js';
import { clearUnlisted, listingTries, restoreUnlisted } from '../../ledger/unlisted.js';
import { canonicalJson } from '../../schemas/hash.js';
import { TWIN } from '../decide/twins.js';
import { FittingGlobs, unfittedBy } from '../select/fitting-globs.js';
import { foldedPath } from '../select/names.js';
import { coversContainer, coversItem, wantedContainer } from '../select/selecting.js';
import { opensFolder } from '../select/selecting-files.js';
import { inLanes, withLanes } from '../session/lanes.js';
import type { Slice, WorkResult } from '../slice/slice.js';
import { lookAtTarget } from './still-there.js';
import { leaveUnlisted, unlistedFor } from './unlisted.js';
import { createUnopened } from './unopened.js';
import { wentAway } from './went-away.js';

export async function survey(slice: Slice): Promise<WorkResult> {
  const { deps, pairing, lease, signal } = slice;
  await lookAtTarget(slice);
  const covers = coverage(slice);
  const filter = filterOf(slice);
  const containers: Container[] = [];
  for await (const container of slice.source.containers(signal)) containers.push(container);
  const open = await fenced(deps.ledger, lease, async (sql) => {
    const changed: Seen[] = [];
    const covered: Seen[] = [];
    for (const container of containers)
      if (!container.leftOut && covers(container.path)) covered.push(await see(sql, slice, container, filter));
    const undescribed = await undescribedIn(
      sql,
      covered.map(({ row }) => row.id),
    );
    const first = covered.every(({ survey }) => survey.run !== slice.run && survey.listingRun !== slice.run);
    for (const seen of covered) {
      const { row, survey, container } = seen;
      if (survey.run === slice.run && !survey.voided) continue;
      const token = undescribed.has(row.id) ? null : survey.token;
      const idle = token !== null && token === container.token;
      if (idle) await finishSurvey(sql, row.id, slice, { token, filter }, slice.run);
      else changed.push({ ...seen, survey: { ...survey, token } });
    }
    if (first) await noteGlobs(sql, slice, containers);
    const present = new Map(containers.map(({ key, path }) => [key, path]));
    await markVanished(sql, pairing.id, [...present.keys()], slice.run);
    const leftOut = new Set(containers.flatMap((container) => (container.leftOut ? [container.key] : [])));
    await coverOnly(sql, slice, present, (path, key) => !leftOut.has(key) && covers(path));
    if (slice.rules.edits === 'content') await lookAtConflicts(sql, slice);
    await lookAtFailures(sql, slice, slice.run, slice.rules.edits);
    const tries = await listingTries(sql, pairing.id);
    const triesOf = ({ row }: Seen): number => tries.get(row.id) ?? 0;
    return changed.sort((a, b) => triesOf(a) - triesOf(b));
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
  if (slice.rules.adopts.includes('identity'))
    await fenced(deps.ledger, lease, (sql) => releaseTwins(sql, slice, TWIN));
  return (await isSettled(deps.ledger, slice, slice.selection.deletions === 'mirror')) ? 'settled' : 'done';
}

/** Filters of folders and collections that fit none, once a run. Of a tree of files its listing tells. */
async function noteGlobs(
  sql: Sql,
  { selection, rules, input }: Slice,
  containers: readonly Container[],
): Promise<void> {
  if (rules.place === 'path' || input.back) return;
  for (const said of unfittedBy(containers, selection)) await noteFilter(sql, input, said);
}

/** Most of a survey's time is round trips, one folder after the other. */
const SURVEY_LANES = 2;
const CONTAINERS_PER_LANE = 4;

interface Seen {
  readonly container: Container;
  readonly row: ContainerRow;
  readonly survey: Survey;
}

/** The rules that decide which items are written down; a token stands only for what was listed under the same. */
export function filterOf({ selection, rules }: Pick<Slice, 'selection' | 'rules'>): string {
  const { folders: _in, ...include } = selection.include ?? {};
  const { folders: _out, ...exclude } = selection.exclude ?? {};
  if (rules.place === 'path') {
    const { include, exclude, map, names = 'fail' } = selection;
    // What is old enough today was not yesterday.
    const ages = [include, exclude].some((filter) => filter?.olderThan ?? filter?.newerThan);
    const day = ages ? { day: new Date().toISOString().slice(0, 10) } : {};
    return canonicalJson({ include, exclude, map, names, ...day });
  }
  if (!rules.adopts.includes('identity')) return canonicalJson({ include, exclude });
  const { match = ['uid'], withoutEmail = 'move' } = selection;
  return canonicalJson({ include, exclude, match, withoutEmail });
}

/** What the target would take for the same path, for kinds whose items stand under paths. */
function folded({ rules, target, selection }: Slice, items: readonly ItemRef[]): (string | null)[] | undefined {
  if (rules.place !== 'path') return undefined;
  return items.map(({ key }) => foldedPath(target.names ?? {}, selection, key));
}

/** Filters speak of paths in the spec's source: going back, a path is first mapped to that side. */
function coverage({ selection, input }: Slice): (path: readonly string[]) => boolean {
  const covers = coversContainer(selection);
  return input.back ? (path) => covers(wantedContainer(selection, { path }).path) : covers;
}

/**
 * Under another filter the container is listed anew, and so it is after another migration surveyed it under another one:
 * what that wrote down may not be covered here. A listing is gone on with by the run that began it, and by no other: it
 * stands for the time that its run began.
 */
async function see(sql: Sql, slice: Slice, container: Container, filter: string): Promise<Seen> {
  const { pairing, input } = slice;
  const row = await seeContainer(sql, pairing.id, container);
  const survey = await coverContainer(sql, row.id, slice, filter);
  if (row.validity !== container.validity) {
    await voidKeys(sql, row.id, pairing.target, container.validity);
    await writeEvent(sql, input, 'warn', 'the source renumbered a folder; its items are recognised by digest', {
      container: row.id,
    });
    return { container, row: { ...row, validity: container.validity }, survey: { ...survey, ...UNKNOWN, run: 0 } };
  }
  if (survey.listingRun === slice.run && survey.filter === filter) return { container, row, survey };
  // A listing that was never finished may have been short: what it took for gone is there until another says otherwise.
  if (survey.listingRun !== null) await restoreUnlisted(sql, row.id, survey.listingRun);
  const anew = survey.filter !== filter || survey.outdated;
  if (anew && survey.run !== slice.run && slice.rules.edits === 'content') await unskip(sql, row.id);
  return { container, row, survey: { ...survey, ...UNLISTED, ...(anew && { token: null }) } };
}

const UNLISTED = { listingRun: null, listingToken: null, listingAfter: null } as const;
const UNKNOWN = { ...UNLISTED, token: null } as const;

/** False: the slice ended before the container's last page. */
async function surveyContainer(slice: Slice, source: Source<unknown>, seen: Seen): Promise<boolean> {
  try {
    return await surveyPresent(slice, source, seen);
  } catch (error) {
    if (await wentAway({ ...slice, source }, error, seen.container.key, slice.signal)) return true;
    const reason = await unlistedFor(slice, error, seen.row);
    if (reason === undefined) throw error;
    await leaveUnlisted(slice, seen.row, filterOf(slice), reason);
    return true;
  }
}

async function surveyPresent(slice: Slice, source: Source<unknown>, seen: Seen): Promise<boolean> {
  if (seen.survey.token !== null && source.changes) {
    try {
      await applyChanges(slice, source, seen);
      return true;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'cursor-lost') throw error;
    }
  }
  return listContainer(slice, source, seen);
}

async function applyChanges(slice: Slice, source: Source<unknown>, { container, row, survey }: Seen): Promise<void> {
  const { deps, lease, signal, tally } = slice;
  const covers = coversItem(slice.selection);
  const pages = source.changes?.(container, survey.token as string, signal) as AsyncIterable<Page<Change>>;
  let undescribed = false;
  for await (const page of pages) {
    const changes = page.entries.filter((change) => change.change === 'gone' || covers(change.item));
    const left = page.entries.flatMap((c) => (c.change === 'gone' || covers(c.item) ? [] : [c.item.key]));
    await fenced(deps.ledger, lease, async (sql) => {
      await stageChanges(sql, row.id, changes, slice.run, slice.rules.edits);
      await leaveUncovered(sql, slice, row.id, left);
    });
    tally.items += changes.length;
    undescribed ||= changes.some((change) => change.change === 'upsert' && isUndescribed(slice, change.item));
  }
  const token = undescribed ? null : (container.token ?? null);
  await fenced(deps.ledger, lease, async (sql) => {
    await clearUnlisted(sql, row.id, 'source');
    await finishSurvey(sql, row.id, slice, { token, filter: filterOf(slice) }, slice.run);
  });
}

/** What a system named without describing it is asked for again: no token stands for that. Folders of a tree have no version. */
function isUndescribed({ rules }: Slice, { version }: ItemRef): boolean {
  return version === '' && rules.place !== 'path';
}

/** What waits to be written and is not covered any more stays where it is. Other units may want it: they list anew. */
async function leaveUncovered(sql: Sql, slice: Slice, container: number, keys: readonly string[]): Promise<void> {
  if ((await leaveOut(sql, container, keys)) > 0) await voidSurveys(sql, container, slice);
}

/**
 * Lists page by page; each is written down together with the place to go on from, while the next is read. The token was
 * taken before the first page and is committed with the last, so that nothing between can be missed.
 */
async function listContainer(
  slice: Slice,
  source: Source<unknown>,
  { container, row, survey }: Seen,
): Promise<boolean> {
  const { deps, lease, signal, tally } = slice;
  const covers = coversItem(slice.selection);
  const opens = opensFolder(slice.selection);
  const filter = filterOf(slice);
  let after = survey.listingAfter ?? '';
  let undescribed = false;
  // Of a listing that is gone on with, the first pages were seen by another slice.
  const globs =
    slice.rules.place === 'path' && !slice.input.back && after === '' ? new FittingGlobs(slice.selection) : undefined;
  const unopened = createUnopened(
    opens,
    after,
    slice.rules.place === 'path' ? await unseenUpTo(deps.ledger.pool, row.id, after) : [],
  );
  let token = survey.listingToken;
  if (survey.listingAfter === null) {
    token = container.token ?? null;
    const listing = { run: slice.run, token: container.token, filter };
    await fenced(deps.ledger, lease, (sql) => startListing(sql, row.id, slice, listing));
  }
  const write = async (page: readonly ItemRef[], last: boolean): Promise<void> => {
    const items = page.filter(covers);
    undescribed ||= items.some((item) => isUndescribed(slice, item));
    const to = last ? undefined : page.at(-1)?.key;
    const range = { after, to };
    const { hidden, passed } = unopened.of(page);
    for (const item of page) globs?.seeEntry(item);
    await fenced(deps.ledger, lease, async (sql) => {
      const { fresh, isUnlisted } = await compareListing(sql, row.id, range, page);
      const staged = fresh.filter(covers);
      await stageItems(sql, row.id, staged, slice.run, slice.rules.edits, folded(slice, staged));
      if (isUnlisted) {
        const listed = page.map((item) => item.key);
        await markUnlisted(sql, row.id, range, listed, slice.run, hidden);
      }
      const uncovered = page.filter((item) => !covers(item)).map((item) => item.key);
      const below = passed.length > 0 ? await unsettledBelow(sql, row.id, range, passed) : [];
      await leaveUncovered(sql, slice, row.id, [...uncovered, ...below]);
      await advanceListing(sql, row.id, slice, { ...(to !== undefined && { after: to }), excluded: uncovered.length });
      if (!last) return;
      for (const said of globs?.said() ?? []) await noteFilter(sql, slice.input, said);
      await clearUnlisted(sql, row.id, 'source');
      // What could not be shown is asked for again, whether the rest changes or not.
      const whole = unopened.isWhole() && !undescribed;
      await finishSurvey(sql, row.id, slice, { token: whole ? token : null, filter }, slice.run);
    });
    after = to ?? after;
    tally.items += items.length;
    tally.bytes += items.reduce((sum, item) => sum + item.bytes, 0);
  };
  let page: readonly ItemRef[] | undefined;
  // A page is written down while the source is asked for the next.
  let written: Promise<void> | undefined;
  try {
    for await (const next of source.list(container, survey.listingAfter ?? undefined, signal, opens)) {
      await written;
      if (written && slice.ending()) return false;
      if (page && page.length > 0) {
        written = write(page, false);
        // It is waited for above or below, where its failure is thrown.
        written.catch(() => {});
      }
      page = next.entries;
    }
  } catch (error) {
    await written;
    if (error instanceof Fault && error.code === 'refused' && page && page.length > 0) await write(page, false);
    throw error;
  } finally {
    await written;
  }
  await write(page ?? [], true);
  return true;
}
