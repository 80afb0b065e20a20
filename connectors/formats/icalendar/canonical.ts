/**
 * The canonical form of a calendar object: equal texts, equal meaning. It is JSON of the structure (components of lines of
 * name, parameters, value), so that nothing in a value can pass for structure. The rules and their reasons are in
 * docs/equality.md. Works on byte text, so that no byte is lost to a wrong character set.
 */
import type { ContentLine, Parameter } from './lines.js';
import { splitAt, unescaped } from './lines.js';
import { isOrganisersOwn, isSetByServers } from './meeting.js';
import { canonicalDuration, canonicalRule, canonicalSpan, endAfter, impliedEnd, isZeroDuration } from './times.js';
import type { Component, Parsed } from './tree.js';
import { entriesOf, lineOf } from './tree.js';
import type { Zones } from './zones.js';
import { tzidOf, zoneMeaning, zonesIn } from './zones.js';

/** Bookkeeping that servers and clients rewrite at every save, and that nobody would miss. */
const BOOKKEEPING = new Set([
  'DTSTAMP',
  'CREATED',
  'LAST-MODIFIED',
  'SEQUENCE',
  'X-RADICALE-NAME',
  'X-EVOLUTION-CALDAV-ETAG',
  'X-EVOLUTION-CALDAV-HREF',
]);

/** What absence means (RFC 5545); servers that spell it out have changed nothing. */
const DEFAULTS: Readonly<Record<string, string>> = {
  CLASS: 'PUBLIC',
  TRANSP: 'OPAQUE',
  PRIORITY: '0',
  'PERCENT-COMPLETE': '0',
  REPEAT: '0',
};

const DEFAULT_PARAMS: Readonly<Record<string, string>> = {
  CUTYPE: 'INDIVIDUAL',
  ROLE: 'REQ-PARTICIPANT',
  PARTSTAT: 'NEEDS-ACTION',
  RSVP: 'FALSE',
  RELTYPE: 'PARENT',
  RELATED: 'START',
  ENCODING: '8BIT',
  'X-NUM-GUESTS': '0',
};

/** Words, not text: their case says nothing. */
const WORD_PARAMS = new Set([
  ...Object.keys(DEFAULT_PARAMS),
  'VALUE',
  'FBTYPE',
  'RANGE',
  'FMTTYPE',
  'FEATURE',
  'DISPLAY',
]);
const WORDS = new Set(['ACTION', 'CLASS', 'STATUS', 'TRANSP', 'CALSCALE', 'BUSYTYPE', 'PARTICIPANT-TYPE']);

/** RFC 6638: about the delivery of invitations, not about the event. `suppressScheduling` adds the first. */
const SCHEDULING_PARAMS = new Set(['SCHEDULE-AGENT', 'SCHEDULE-STATUS', 'SCHEDULE-FORCE-SEND']);

const TIMES = new Set(['DTSTART', 'DTEND', 'DUE', 'RECURRENCE-ID', 'EXDATE', 'RDATE']);
const INSTANTS = new Set(['COMPLETED', 'ACKNOWLEDGED']);
const TIME_LISTS = new Set(['EXDATE', 'RDATE']);
const TEXT_LISTS = new Set(['CATEGORIES', 'RESOURCES']);
const ADDRESSES = new Set(['ORGANIZER', 'ATTENDEE']);
/** Values with a structure of semicolons: escaped ones are text, others are not. */
const STRUCTURED = new Set(['GEO', 'REQUEST-STATUS']);
/** In alarms and to-dos: vobject (Radicale) writes `PT48H` as `P2D` and cannot be kept from it. */
const DURATIONS = new Set(['DURATION', 'TRIGGER', 'REFRESH-INTERVAL']);

export function canonicalCalendar(parsed: Parsed): string {
  const entries = entriesOf(parsed);
  const zones = zonesIn(entries);
  const wrappers = parsed.components.filter((component) => component.name === 'VCALENDAR');
  const scales = wrappers
    .flatMap(({ lines }) => lines)
    .filter((line) => line.name === 'CALSCALE' && !/^\s*GREGORIAN\s*$/i.test(line.value))
    .map((line) => JSON.stringify([line.name, [], line.value.trim().toUpperCase()]));
  const strays = [...parsed.strays, ...wrappers.flatMap((wrapper) => wrapper.strays)].map(stray);
  const canonical = entries
    .filter((entry) => entry.name !== 'VTIMEZONE')
    .map((entry) => canonicalComponent(entry, zones));
  return joined([...scales, ...strays, ...canonical]);
}

const stray = (line: string): string => JSON.stringify(['?', line]);

/** Parts that are JSON already, in any order. */
const joined = (parts: string[]): string => `[${parts.sort().join(',')}]`;

function canonicalComponent(component: Component, zones: Zones): string {
  const lines = component.strays.map(stray);
  addEnds(component, zones, lines);
  for (const line of component.lines) {
    if (BOOKKEEPING.has(line.name) || isOrganisersOwn(line, component)) continue;
    if (END_NAMES.has(line.name) && hasEnds(component) && line === lineOf(component, line.name)) continue;
    addLine(line, component, zones, lines);
  }
  const inside = component.components.map((child) => canonicalComponent(child, zones));
  return `[${JSON.stringify(component.name)},${joined(lines)},${joined(inside)}]`;
}

/** What `endOf` takes care of: the first of each. */
const END_NAMES = new Set(['DTEND', 'DURATION']);
const hasEnds = (component: Component): boolean => component.name === 'VEVENT';

/**
 * When an event ends, in one spelling: DTEND, or DURATION where only the rules of a zone could tell; nothing where it
 * ends as RFC 5545 (3.6.1) says for events without either.
 */
function addEnds(component: Component, zones: Zones, into: string[]): void {
  if (!hasEnds(component)) return;
  const start = lineOf(component, 'DTSTART');
  const end = lineOf(component, 'DTEND');
  const duration = lineOf(component, 'DURATION');
  // Lightning writes DTEND beside DURATION:PT0S; Radicale drops the latter.
  if (duration && !(end && isZeroDuration(duration.value))) {
    const after = start && !end ? endAfter(start, duration.value) : undefined;
    if (after === undefined) into.push(JSON.stringify(['DURATION', [], canonicalDuration(duration.value)]));
    else if (start && after !== impliedEnd(start.value))
      addLine({ ...start, name: 'DTEND', value: after }, component, zones, into);
  }
  if (end && !(start && sameZone(start, end) && end.value === impliedEnd(start.value)))
    addLine(end, component, zones, into);
}

const sameZone = (one: ContentLine, other: ContentLine): boolean => tzidOf(one) === tzidOf(other);

/** Adds the canonical lines of one property: several for a list, none for what says nothing. */
function addLine(line: ContentLine, component: Component, zones: Zones, into: string[]): void {
  const { name } = line;
  const value = line.value;
  if (value === '' || DEFAULTS[name] === value.trim().toUpperCase()) return;
  // Google, Exchange and Zimbra spell it out; what is not tentative or cancelled takes place.
  if (name === 'STATUS' && component.name === 'VEVENT' && value.trim().toUpperCase() === 'CONFIRMED') return;
  const params = canonicalParams(line);
  const add = (...said: unknown[]): void => void into.push(JSON.stringify([name, params, ...said]));
  if (TIMES.has(name) || INSTANTS.has(name)) {
    const zone = zoneOf(line, zones);
    const isUtc = zone?.[1] === 'UTC';
    const values = TIME_LISTS.has(name) ? value.split(',') : [value];
    for (const time of values) {
      const clock = canonicalTime(time);
      if (isUtc) add(`${clock}Z`);
      else if (zone) add(clock, zone);
      else add(clock);
    }
  } else if (TEXT_LISTS.has(name)) {
    for (const item of splitAt(value, ',')) if (item !== '') add(unescaped(item).trim());
  } else add(canonicalValue(line));
}

function canonicalValue(line: ContentLine): string | string[] {
  const { name, value } = line;
  if (name === 'RRULE' || name === 'EXRULE') return canonicalRule(value);
  if (ADDRESSES.has(name)) return value.trim().toLowerCase();
  if (WORDS.has(name)) return value.trim().toUpperCase();
  if (DURATIONS.has(name)) return /^[+-]?P/i.test(value.trim()) ? canonicalSpan(value) : canonicalTime(value);
  if (STRUCTURED.has(name)) return splitAt(value, ';').map((part) => unescaped(part).trim());
  if (line.params.some((param) => param.name === 'ENCODING' && param.values[0]?.toUpperCase() === 'BASE64'))
    return value.replace(/\s+/g, '');
  // Text, addresses and what nobody knows: servers escape more or less of it, the letters stay the same.
  return unescaped(value);
}

function canonicalTime(value: string): string {
  const time = value.trim().toUpperCase();
  const slash = time.indexOf('/');
  if (slash === -1) return time;
  const end = time.slice(slash + 1);
  return `${time.slice(0, slash)}/${end.startsWith('P') ? canonicalDuration(end) : end}`;
}

/** The meaning of the zone a time is in; a time in UTC and a date are in none, whatever TZID stands beside them. */
function zoneOf(line: ContentLine, zones: Zones): readonly string[] | undefined {
  if (line.params.length === 0) return undefined;
  const tzid = tzidOf(line);
  if (tzid === undefined || tzid === '' || !line.value.includes('T') || line.value.trim().endsWith('Z'))
    return undefined;
  return zoneMeaning(tzid, zones);
}

type CanonicalParam = readonly [name: string, ...values: string[]];

function canonicalParams(line: ContentLine): readonly CanonicalParam[] {
  if (line.params.length === 0) return NO_PARAMS;
  const written = line.params.flatMap((param) => canonicalParam(line, param) ?? []);
  return written.length < 2 ? written : sorted(written);
}

const NO_PARAMS: readonly CanonicalParam[] = [];

function sorted(params: CanonicalParam[]): CanonicalParam[] {
  const keyed = params.map((param) => ({ param, key: JSON.stringify(param) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ param }) => param);
}

function canonicalParam(line: ContentLine, param: Parameter): readonly [CanonicalParam] | undefined {
  const { name } = param;
  const first = param.values[0] ?? '';
  if (SCHEDULING_PARAMS.has(name) || isSetByServers(line, name)) return undefined;
  if (name === 'TZID' && TIMES.has(line.name)) return undefined;
  if (name === 'VALUE' && isPlainFrom(line, first.toUpperCase())) return undefined;
  const upper = WORD_PARAMS.has(name);
  const values = upper ? param.values.map((value) => value.trim().toUpperCase()) : param.values;
  if (values.length === 1 && DEFAULT_PARAMS[name] === values[0]) return undefined;
  if (values.every((value) => value === '')) return undefined;
  return [[name, ...values.map(unescaped).sort()]];
}

/** Types that the value itself shows: a date from a time, a binary by its encoding, a text or an address by what it is. */
function isPlainFrom(line: ContentLine, type: string): boolean {
  if (type === 'BINARY') return line.params.some((param) => param.name === 'ENCODING');
  if (type === 'DATE') return /^\s*\d{8}\s*(?:,|$)/.test(line.value);
  if (type === 'DATE-TIME') return /^\s*\d{8}T/.test(line.value);
  if (type === 'PERIOD') return line.value.includes('/');
  if (type === 'DURATION') return /^\s*[+-]?P/i.test(line.value);
  return type === 'TEXT' || type === 'URI' || type === 'CAL-ADDRESS' || type === 'RECUR';
}
