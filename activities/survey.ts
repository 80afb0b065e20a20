/** Survey: asks the source what there is, or what changed, and writes down what is to do. */
import type { Change, Container, ItemRef, Page } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import {
  advanceListing,
  finishSurvey,
  seeContainer,
  setExcluded,
  startListing,
  voidKeys,
} from '../ledger/containers.js';
import type { ContainerRow } from '../ledger/containers.js';
import { writeEvent } from '../ledger/events.js';
import { markUnlisted, stageChanges, stageItems } from '../ledger/items.js';
import { fenced } from '../ledger/leases.js';
import { coversContainer, coversItem } from './selecting.js';
import type { Slice } from './slice.js';

export async function survey(slice: Slice): Promise<'more' | 'done'> {
  const { deps, input, pairing, lease, signal } = slice;
  const covers = coversContainer(slice.selection);
  for await (const container of slice.source.containers(signal)) {
    if (!covers(container.path)) continue;
    const row = await fenced(deps.ledger, lease, async (sql) => {
      const seen = await seeContainer(sql, pairing.id, container);
      if (seen.validity === container.validity) return seen;
      await voidKeys(sql, seen.id, pairing.target, container.validity);
      await writeEvent(sql, input, 'warn', 'the source renumbered a folder; its items are recognised by digest', { container: seen.id });
      return { ...seen, validity: container.validity, token: null, listingToken: null, listingAfter: null, surveyedRun: 0 };
    });
    if (row.surveyedRun === input.run) continue;
    if (slice.ending()) return 'more';
    if (!(await surveyContainer(slice, container, row))) return 'more';
  }
  return 'done';
}

/** False: the slice ended before the container's last page. */
async function surveyContainer(slice: Slice, container: Container, row: ContainerRow): Promise<boolean> {
  const { deps, input, lease } = slice;
  const listing = row.listingAfter !== null;
  if (!listing && row.token !== null) {
    if (row.token === container.token) {
      await fenced(deps.ledger, lease, (sql) => finishSurvey(sql, row.id, row.token, input.run));
      return true;
    }
    if (slice.source.changes) {
      try {
        await applyChanges(slice, container, row);
        return true;
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'cursor-lost') throw error;
      }
    }
  }
  return listContainer(slice, container, row);
}

async function applyChanges(slice: Slice, container: Container, row: ContainerRow): Promise<void> {
  const { deps, input, lease, signal, source, tally } = slice;
  const covers = coversItem(slice.selection);
  const pages = source.changes?.(container, row.token as string, signal) as AsyncIterable<Page<Change>>;
  for await (const page of pages) {
    const changes = page.entries.filter((change) => change.change === 'gone' || covers(change.item));
    await fenced(deps.ledger, lease, (sql) => stageChanges(sql, row.id, changes, input.run));
    tally.items += changes.length;
  }
  await fenced(deps.ledger, lease, (sql) => finishSurvey(sql, row.id, container.token ?? null, input.run));
}

/**
 * Lists page by page; each is written down together with the place to go on from. The token was taken before the
 * first page and is committed with the last, so that nothing between can be missed.
 */
async function listContainer(slice: Slice, container: Container, row: ContainerRow): Promise<boolean> {
  const { deps, input, lease, signal, tally } = slice;
  const covers = coversItem(slice.selection);
  let after = row.listingAfter ?? '';
  let token = row.listingToken;
  if (row.listingAfter === null) {
    token = container.token ?? null;
    await fenced(deps.ledger, lease, async (sql) => {
      await startListing(sql, row.id, container.token);
      await setExcluded(sql, row.id, 0, true);
    });
  }
  const write = async (page: readonly ItemRef[], last: boolean): Promise<void> => {
    const items = page.filter(covers);
    const to = last ? undefined : page.at(-1)?.key;
    await fenced(deps.ledger, lease, async (sql) => {
      await stageItems(sql, row.id, items, input.run);
      await markUnlisted(sql, row.id, { after, to }, page.map((item) => item.key), input.run);
      if (items.length < page.length) await setExcluded(sql, row.id, page.length - items.length, false);
      if (last) await finishSurvey(sql, row.id, token, input.run);
      else await advanceListing(sql, row.id, to as string);
    });
    after = to ?? after;
    tally.items += items.length;
    tally.bytes += items.reduce((sum, item) => sum + item.bytes, 0);
  };
  let page: readonly ItemRef[] = [];
  for await (const next of slice.source.list(container, row.listingAfter ?? undefined, signal)) {
    if (page.length > 0) {
      await write(page, false);
      if (slice.ending()) return false;
    }
    page = next.entries;
  }
  await write(page, true);
  return true;
}
