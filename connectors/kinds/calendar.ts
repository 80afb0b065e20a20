/**
 * The standard form of kind `calendar` between source and target, and the one definition of equality.
 * The reasons are in docs/equality.md.
 */
import type { Digest } from '../contract.js';
import { canonicalCalendar } from '../formats/icalendar/canonical.js';
import { unicode } from '../formats/icalendar/charset.js';
import { byteText } from '../formats/icalendar/lines.js';
import { clockOf } from '../formats/icalendar/times.js';
import type { Component } from '../formats/icalendar/tree.js';
import { entriesOf, lineOf, parsedCalendar } from '../formats/icalendar/tree.js';
import { withUid } from '../formats/icalendar/uid.js';
import { digestOf } from './digest-version.js';

export { calendarProblem } from '../formats/icalendar/problem.js';

/** One iCalendar object (RFC 5545): a series with its overrides, one UID, the time zones it uses. */
export type Calendar = Buffer;

/** Of the canonical form, version 2. What cannot be parsed has that of its bytes, line ends aside. */
export function digestCalendar(body: Calendar): Digest {
  const parsed = parsedCalendar(body);
  const canonical = parsed ? canonicalCalendar(parsed) : JSON.stringify(byteText(body).trimEnd());
  return digestOf(2, canonical, 'latin1');
}

/** `uid:…`, or the values of any property that `by` names, of the first entry that has it; in the order of `by`. */
export function calendarIdentities(body: Calendar, by: readonly string[]): string[] {
  const entries = entriesIn(body);
  return by.flatMap((word) => {
    const lines = entries.flatMap((entry) => lineOf(entry, word.toUpperCase()) ?? []);
    const value = unicode(lines[0]?.value.trim() ?? '');
    return value === '' ? [] : [`${word}:${value}`];
  });
}

/** The latest LAST-MODIFIED of its components, or DTSTAMP where one has none; milliseconds since the epoch. */
export function calendarModified(body: Calendar): number | undefined {
  const times = entriesIn(body).flatMap((entry) => {
    const line = lineOf(entry, 'LAST-MODIFIED') ?? lineOf(entry, 'DTSTAMP');
    return (line && clockOf(line.value.trim())) ?? [];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

/**
 * 1 for an invitation from somebody else: servers that keep attendees' copies in step want the organiser's first.
 * An account that is not an address is compared with the part before the @.
 */
export function calendarRank(body: Calendar, account: string): number {
  const own = account.trim().toLowerCase();
  const invited = entriesIn(body).some((entry) => {
    const organizer = lineOf(entry, 'ORGANIZER')
      ?.value.trim()
      .toLowerCase()
      .replace(/^mailto:/, '');
    if (organizer === undefined || organizer === '' || !lineOf(entry, 'ATTENDEE')) return false;
    return own !== (own.includes('@') ? organizer : organizer.split('@')[0]);
  });
  return invited ? 1 : 0;
}

/** The same content under another UID, which follows from the content, in all its components. */
export function renewedCalendar(body: Calendar): Calendar {
  return withUid(body, digestCalendar(body).slice(0, 32));
}

/** Events, to-dos and journal entries. */
function entriesIn(body: Calendar): Component[] {
  const parsed = parsedCalendar(body);
  return parsed ? entriesOf(parsed).filter((entry) => entry.name !== 'VTIMEZONE') : [];
}
