/** Survey: asks the source what there is, or what changed, and writes down what is to do. */
import type { Container, ItemRef, Page, Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { markVanished, seeContainer, voidKeys } from '../../ledger/containers.js';
import { noteFilter, writeEvent } from '../../ledger/events.js';
import { countCopied, stageItems } from '../../ledger/items.js';
import { knownContainers } from '../../ledger/known-containers.js';
import { fenced } from '../../ledger/leases.js';
import type { Sql } from '../../ledger/ledger.js';
import { compareListing, markUnlisted, unseenUpTo, unsettledBelow, withTold } from '../../ledger/listed.js';
import { lookAtConflicts, lookAtFailures, undescribedIn, unskip } from '../../ledger/look-again.js';
import { isSettled } from '../../ledger/settled.js';
import type { Survey } from '../../ledger/surveys.js';
import {
  advanceListing,
  coverContainer,
  coverOnly,
  finishSurvey,
  recountExcluded,
  startListing,
} from '../../ledger/surveys.js';
import { releaseTwins } from '../../ledger/twins.js';
import { clearUnlisted, listingTries, restoreUnlisted } from '../../ledger/unlisted.js';
import { TWIN } from '../decide/twins.js';
import { FittingGlobs } from '../select/fitting-globs.js';
import type { Judged } from '../select/left-out.js';
import { leavesOut } from '../select/left-out.js';
import { coversItem, filtersItems, wantedContainer } from '../select/selecting.js';
import { opensFolder } from '../select/selecting-files.js';
import { inLanes, withLanes } from '../session/lanes.js';
import type { Slice, WorkResult } from '../slice/slice.js';
import { noteContainer } from '../slice/tally.js';
import type { Applied } from './changes.js';
import { applyChanges } from './changes.js';
import { filterOf, folded, isUndescribed, leaveUncovered, writeBehind } from './listing-rules.js';
import { markContainerGone } from './mark-container-gone.js';
import { noteGlobs } from './note-globs.js';
import { noteLeftOut } from './note-left-out.js';
import { lookAtTarget } from './still-there.js';
import { surveyUnchanged } from './unchanged.js';
import { leaveUnlisted, unlistedFor } from './unlisted.js';
import { createUnopened } from './unopened.js';
import { listUnordered } from './unordered.js';

export async function survey(slice: Slice): Promise<WorkResult> {
  const { deps, pairing, lease, signal } = slice;
  if (!(await lookAtTarget(slice))) return 'more';
  const filter = filterOf(slice);
  const containers: Container[] = [];
  for await (const container of slice.source.containers(signal)) containers.push(container);
  const known = await knownContainers(deps.ledger, slice, filter, {
    removals: slice.selection.deletions === 'mirror',
    back: slice.input.back === true,
  });
  // Of those that went away, the ledger knows what they were.
  const ruleFor = coverage(slice, [...known.containers, ...containers]);
  await noteLeftOut(slice, containers, ruleFor, known.leftOut);
  const covers = (container: Judged): boolean => ruleFor(container) === undefined;
  const unchanged = await surveyUnchanged(slice, containers, known, { covers, filter });
  if (unchanged) return unchanged;
  const open = await fenced(deps.ledger, lease, async (sql) => {
    const changed: Seen[] = [];
    const covered: Seen[] = [];
    for (const container of containers) if (covers(container)) covered.push(await see(sql, slice, container, filter));
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
    const present = new Map(containers.map((container) => [container.key, container]));
    await markVanished(sql, pairing.id, [...present.keys()], slice.run);
    await coverOnly(sql, slice, present, covers);
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

/** Most of a survey's time is round trips, one folder after the other. */
const SURVEY_LANES = 2;
const CONTAINERS_PER_LANE = 4;

interface Seen {
  readonly container: Container;
  readonly row: ContainerRow;
  readonly survey: Survey;
}

/** Filters speak of paths in the spec's source: going back, a path is first mapped to that side. */
function coverage(
  { selection, input }: Slice,
  all: readonly Pick<Judged, 'path' | 'role'>[],
): (container: Judged) => string | undefined {
  const ruleFor = leavesOut(selection, all);
  if (!input.back) return ruleFor;
  return (container) => ruleFor({ ...container, path: wantedContainer(selection, { path: container.path }).path });
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

const UNLISTED = {
  listingRun: null,
  listingToken: null,
  listingAfter: null,
  listingId: null,
  listingState: null,
} as const;
const UNKNOWN = { ...UNLISTED, token: null } as const;

/** False: the slice ended before the container's last page. */
async function surveyContainer(slice: Slice, source: Source<unknown>, seen: Seen): Promise<boolean> {
  try {
    return await surveyPresent(slice, source, seen);
  } catch (error) {
    if (await markContainerGone({ ...slice, source }, error, seen.container.key, slice.signal)) return true;
    const reason = await unlistedFor(slice, error, seen.row);
    if (reason === undefined) throw error;
    await leaveUnlisted(slice, seen.row, filterOf(slice), reason);
    return true;
  }
}

async function surveyPresent(slice: Slice, source: Source<unknown>, seen: Seen): Promise<boolean> {
  const { container, row, survey } = seen;
  noteContainer(slice.tally, container.path);
  if (survey.token !== null && source.changes) {
    try {
      await finishChanges(slice, seen, await applyChanges(slice, source, container, row, survey.token));
      return true;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'cursor-lost') throw error;
    }
  }
  const unordered = source.listing === 'unordered';
  // One that the connector began in the other way says nothing of this one.
  const begun = (survey.listingId !== null) === unordered ? seen : { ...seen, survey: { ...survey, ...UNLISTED } };
  return unordered ? listUnordered(slice, source, begun) : listContainer(slice, source, begun);
}

async function finishChanges(slice: Slice, { container, row }: Seen, { token, undescribed }: Applied): Promise<void> {
  const state = { token: undescribed ? null : (token ?? container.token ?? null), filter: filterOf(slice) };
  await fenced(slice.deps.ledger, slice.lease, async (sql) => {
    await clearUnlisted(sql, row.id, 'source');
    if (container.items !== undefined && filtersItems(slice.selection))
      await recountExcluded(sql, row.id, slice, container.items);
    await finishSurvey(sql, row.id, slice, state, slice.run);
  });
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
  const write = async ({ entries }: Page<ItemRef>, last: boolean): Promise<void> => {
    const page = await withTold(deps.ledger.pool, row.id, entries);
    const items = page.filter(covers);
    undescribed ||= items.some((item) => isUndescribed(slice, item));
    const to = last ? undefined : page.at(-1)?.key;
    if (slice.rules.place === 'path') noteContainer(tally, container.path, page.at(-1)?.key);
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
      const excluded = uncovered.length - (await countCopied(sql, row.id, uncovered));
      await advanceListing(sql, row.id, slice, { ...(to !== undefined && { after: to }), excluded });
      if (!last) return;
      for (const said of globs?.said() ?? []) await noteFilter(sql, slice.input, said);
      await clearUnlisted(sql, row.id, 'source');
      // What could not be shown is asked for again, whether the rest changes or not.
      const whole = unopened.isWhole() && !undescribed;
      await finishSurvey(sql, row.id, slice, { token: whole ? token : null, filter }, slice.run);
    });
    after = to ?? after;
    tally.items += items.length;
    tally.bytes += items.reduce((sum, item) => sum + (item.bytes ?? 0), 0);
  };
  const pages = source.list(container, survey.listingAfter ?? undefined, signal, opens);
  return writeBehind(pages, slice.ending, write);
}
