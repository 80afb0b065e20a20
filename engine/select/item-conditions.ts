/** The conditions that a filter sets on single items, beside their folders. */
import type { ItemRef } from '../../connectors/contract.js';
import { parseDuration } from '../../schemas/duration.js';
import { createFolderMatcher } from '../../schemas/folder-globs.js';
import { createTypeMatcher } from '../../schemas/media-types.js';
import type { Filter } from '../../schemas/spec.js';

/** Undefined: what it asks for is told only when the item is read. */
export type Condition = (item: ItemRef) => boolean | undefined;

/**
 * One function for each field that is set. An item without a date meets none that speaks of dates or ages. Ages count
 * back from `now`, in milliseconds since the epoch.
 */
export function conditions(filter: Filter | undefined, now: number): Condition[] {
  const { since, before, olderThan, newerThan, larger, smaller, files, types } = filter ?? {};
  const all: Condition[] = [];
  if (since !== undefined) {
    const from = Date.parse(since);
    all.push(dated((date) => date >= from));
  }
  if (before !== undefined) {
    const to = Date.parse(before);
    all.push(dated((date) => date < to));
  }
  if (olderThan !== undefined) {
    const to = now - durationOf(olderThan);
    all.push(dated((date) => date < to));
  }
  if (newerThan !== undefined) {
    const from = now - durationOf(newerThan);
    all.push(dated((date) => date >= from));
  }
  if (larger !== undefined) all.push(({ bytes }) => (bytes === undefined ? undefined : bytes > larger));
  if (smaller !== undefined) all.push(({ bytes }) => (bytes === undefined ? undefined : bytes < smaller));
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

/** Of all conditions of `include` and none of `exclude`. What cannot be told yet counts as met: it is decided again then. */
export function meets(item: ItemRef, include: readonly Condition[], exclude: readonly Condition[]): boolean {
  return include.every((holds) => holds(item) !== false) && !exclude.some((holds) => holds(item) === true);
}

/** A message's internal date, when a file was last changed; NaN, which compares as false, where neither is told. */
function dated(holds: (date: number) => boolean): Condition {
  return ({ meta }) => {
    if (meta === undefined) return undefined;
    const date = meta.date ?? meta.modified;
    return holds(typeof date === 'string' ? Date.parse(date) : Number.NaN);
  };
}

/** Validated before: NaN, which compares as false, would be our own error. */
function durationOf(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}
