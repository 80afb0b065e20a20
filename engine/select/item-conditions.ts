/** The conditions that a filter sets on single items, beside their folders. */
import type { ItemRef } from '../../connectors/contract.js';
import { parseDuration } from '../../schemas/duration.js';
import { createFolderMatcher } from '../../schemas/folder-globs.js';
import { createTypeMatcher } from '../../schemas/media-types.js';
import type { Filter } from '../../schemas/spec.js';

type Condition = (item: ItemRef) => boolean;

/**
 * One function for each field that is set. An item without a date meets none that speaks of dates or ages. Ages count
 * back from `now`, in milliseconds since the epoch.
 */
export function conditions(filter: Filter | undefined, now: number): Condition[] {
  const { since, before, olderThan, newerThan, larger, smaller, files, types } = filter ?? {};
  const all: Condition[] = [];
  if (since !== undefined) {
    const from = Date.parse(since);
    all.push((item) => dateOf(item) >= from);
  }
  if (before !== undefined) {
    const to = Date.parse(before);
    all.push((item) => dateOf(item) < to);
  }
  if (olderThan !== undefined) {
    const to = now - durationOf(olderThan);
    all.push((item) => dateOf(item) < to);
  }
  if (newerThan !== undefined) {
    const from = now - durationOf(newerThan);
    all.push((item) => dateOf(item) >= from);
  }
  if (larger !== undefined) all.push((item) => item.bytes > larger);
  if (smaller !== undefined) all.push((item) => item.bytes < smaller);
  if (files !== undefined) {
    const matches = createFolderMatcher(files);
    all.push((item) => matches(item.key));
  }
  if (types !== undefined) {
    const matches = createTypeMatcher(types);
    all.push((item) => matches(item.key));
  }
  return all;
}

/** A message's internal date, when a file was last changed; NaN, which compares as false, where neither is told. */
function dateOf({ meta }: ItemRef): number {
  const date = meta.date ?? meta.modified;
  return typeof date === 'string' ? Date.parse(date) : Number.NaN;
}

/** Validated before: NaN, which compares as false, would be our own error. */
function durationOf(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}
