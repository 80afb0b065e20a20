/** Why a calendar object cannot be moved, after all that may be repaired. */
import { clockOf } from './times.js';
import type { Component } from './tree.js';
import { entriesOf, lineOf, parsedCalendar } from './tree.js';

const ENTRIES: Readonly<Record<string, string>> = {
  VEVENT: 'an event',
  VTODO: 'a to-do',
  VJOURNAL: 'a journal entry',
};

/**
 * A sentence without any content of the object, with what to do; undefined when it can be moved. After RFC 4791, 4.1
 * (one UID and one kind of entry in an object) and RFC 5545 (DTSTART of an event, FREQ of a rule).
 */
export function calendarProblem(body: Buffer): string | undefined {
  const parsed = parsedCalendar(body);
  if (!parsed)
    return 'this is no iCalendar object: BEGIN and END are missing or do not match; export it from its system again';
  const entries = entriesOf(parsed).filter((entry) => entry.name in ENTRIES);
  if (entries.length === 0)
    return 'it holds no event, to-do or journal entry; remove it from the source, or leave it out of the migration';
  if (new Set(entries.map((entry) => entry.name)).size > 1)
    return 'it holds entries of several kinds, which one calendar object may not (RFC 4791, 4.1); split it in the source';
  const uids = new Set(entries.flatMap((entry) => lineOf(entry, 'UID')?.value.trim() || []));
  if (uids.size > 1)
    return 'it holds entries with several UIDs, which one calendar object may not (RFC 4791, 4.1); split it in the source';
  for (const entry of entries) {
    const problem = entryProblem(entry);
    if (problem !== undefined) return `${ENTRIES[entry.name]} ${problem}; correct it in the source`;
  }
  return undefined;
}

function entryProblem(entry: Component): string | undefined {
  if (entry.name === 'VEVENT' && !lineOf(entry, 'DTSTART')) return 'has no DTSTART';
  for (const name of ['DTSTART', 'DTEND', 'DUE', 'RECURRENCE-ID']) {
    const line = lineOf(entry, name);
    if (line && clockOf(line.value.trim()) === undefined) return `has a ${name} that is no date or time`;
  }
  for (const line of entry.lines)
    if (
      line.name === 'RRULE' &&
      !/(?:^|;)\s*FREQ=(?:SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY)\b/i.test(line.value)
    )
      return 'has an RRULE without a frequency';
  return undefined;
}
