/** What a TZID means: a zone everybody knows by its name, or the rules of a VTIMEZONE. */
import ICAL from 'ical.js';
import type { ContentLine } from './lines.js';
import { unescaped } from './lines.js';
import { canonicalRule, clockOf } from './times.js';
import type { Component } from './tree.js';
import { lineOf } from './tree.js';

/** Zones and definitions met so far; emptied when full, so that hostile input cannot fill the memory. */
const MAX_REMEMBERED = 2000;
const MAX_NAME = 100;
const standard = new Map<string, string | undefined>();
const defined = new Map<string, string>();

function remember<V>(memory: Map<string, V>, key: string, value: V): V {
  if (memory.size >= MAX_REMEMBERED) memory.clear();
  memory.set(key, value);
  return value;
}

/**
 * The IANA name a TZID stands for, links resolved (`Asia/Calcutta` is `Asia/Kolkata`); undefined for names of one's own.
 * Vendors' prefixes count as nothing: `/freeassociation.sourceforge.net/Europe/Berlin`, `/mozilla.org/20050126_1/…`.
 */
export function standardZone(tzid: string): string | undefined {
  if (standard.has(tzid)) return standard.get(tzid);
  if (tzid.length > MAX_NAME) return undefined;
  return remember(standard, tzid, resolved(tzid) ?? resolved(withoutPrefix(tzid)));
}

function withoutPrefix(tzid: string): string {
  return /^\/.*?\/((?:[A-Z][\w+-]*\/){1,2}[A-Z][\w+-]*)$/.exec(tzid)?.[1] ?? '';
}

function resolved(name: string): string | undefined {
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+){0,2}$/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    // RangeError: no zone of that name.
    return undefined;
  }
}

/** A TZID as it is known: it is a TEXT in VTIMEZONE, escaped there (RFC 5545, 3.8.3.1) and by some in the parameter too. */
export const zoneName = (written: string): string => unescaped(written).trim();

/** The name of the zone that a time says it is in. Commas that nobody quoted have divided it. */
export function tzidOf(line: ContentLine): string | undefined {
  const param = line.params.find(({ name }) => name === 'TZID');
  return param && zoneName(param.values.join(','));
}

/** What a body defines of one zone: one, or several where it gives one name several meanings. */
interface Defined {
  readonly definitions: Component[];
  /** Computed when it is first asked for. */
  meaning?: readonly string[];
}

/** By name. */
export type Zones = ReadonlyMap<string, Defined>;

/** What a zone means, to compare: the IANA name; else the offsets and changes of its VTIMEZONE; else the name itself. */
export function zoneMeaning(tzid: string, zones: Zones): readonly string[] {
  const name = standardZone(tzid);
  if (name !== undefined) return ['zone', name];
  const defined = zones.get(tzid);
  if (!defined) return ['name', tzid];
  defined.meaning ??= ['rules', ...new Set(defined.definitions.map(zoneRules).sort())];
  return defined.meaning;
}

/** What a VTIMEZONE says, as text to compare. */
export function zoneRules(definition: Component): string {
  const written = writtenZone(definition);
  return defined.get(written) ?? remember(defined, written, changesOf(written) ?? written);
}

const RULES = ['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO', 'RRULE', 'RDATE'];

/** Only what decides offsets: names, comments and dates of change do not. */
function writtenZone(definition: Component): string {
  const observances = definition.components
    .filter((component) => component.name === 'STANDARD' || component.name === 'DAYLIGHT')
    .map((component) =>
      RULES.flatMap((name) =>
        component.lines
          .filter((line) => line.name === name)
          .map((line) => `${name}:${name === 'RRULE' ? canonicalRule(line.value) : line.value.trim().toUpperCase()}`),
      ).join(' '),
    );
  return observances.sort().join('|');
}

const FIRST = Date.UTC(1990, 0, 1);
const LAST = Date.UTC(2038, 0, 1);

/** Rules of a zone that are cheap to expand. Others (`FREQ=SECONDLY` since 1970) could keep a worker busy for hours. */
const CHEAP_PART =
  /^(?:FREQ=YEARLY|INTERVAL=\d+|COUNT=\d+|UNTIL=[\dTZ]+|WKST=\w+|BY(?:MONTH|DAY|MONTHDAY|YEARDAY|WEEKNO|SETPOS)=[\w,+-]+)$/;
const MAX_WRITTEN = 20_000;
const MAX_ONSETS = 20_000;

interface Change {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly offset: string;
}

/**
 * The offset at the beginning of 1990 and all changes up to 2037. Expanding is what makes two spellings of one zone
 * equal: with RRULE or RDATE, begun in 1601 or in 1981. Undefined for what cannot be expanded, or would take long.
 */
function changesOf(written: string): string | undefined {
  if (written.length > MAX_WRITTEN) return undefined;
  const changes: Change[] = [];
  for (const observance of written.split('|')) {
    const found = onsetsOf(observance);
    if (!found) return undefined;
    changes.push(...found);
  }
  changes.sort((a, b) => a.at - b.at || (a.offset < b.offset ? -1 : 1));
  const before = changes.filter((change) => change.at <= FIRST).at(-1) ?? changes[0];
  const out = [before?.offset];
  let offset = before?.offset;
  for (const change of changes) {
    if (change.at <= FIRST || change.at >= LAST || change.offset === offset) continue;
    offset = change.offset;
    out.push(`${change.at / 1000}${offset}`);
  }
  return out.join(' ');
}

/** When one observance begins, each time; undefined when it says so in a way that is not understood. */
function onsetsOf(observance: string): Change[] | undefined {
  const values = (name: string): string[] =>
    observance.split(' ').flatMap((part) => (part.startsWith(`${name}:`) ? part.slice(name.length + 1) : []));
  const [start] = values('DTSTART');
  const from = offsetSeconds(values('TZOFFSETFROM')[0]);
  const to = offsetSeconds(values('TZOFFSETTO')[0]);
  const begin = start === undefined ? undefined : clockOf(start);
  if (start === undefined || begin === undefined || from === undefined || to === undefined) return undefined;
  const clocks = [begin];
  for (const date of values('RDATE').flatMap((list) => list.split(','))) {
    const clock = clockOf(date);
    if (clock === undefined) return undefined;
    clocks.push(date.endsWith('Z') ? clock + from * 1000 : clock);
  }
  for (const rule of values('RRULE')) {
    const occurrences = rule.split(';').every((part) => CHEAP_PART.test(part)) ? expanded(rule, begin) : undefined;
    if (!occurrences) return undefined;
    clocks.push(...occurrences);
  }
  const offset = `${to < 0 ? '-' : '+'}${Math.abs(to)}`;
  return clocks.map((clock) => ({ at: clock - from * 1000, offset }));
}

function expanded(rule: string, begin: number): number[] | undefined {
  try {
    const iterator = ICAL.Recur.fromString(rule).iterator(
      ICAL.Time.fromDateTimeString(new Date(begin).toISOString().slice(0, 19)),
    );
    const clocks: number[] = [];
    for (let time = iterator.next(); time && time.year < 2039; time = iterator.next()) {
      if (clocks.length > MAX_ONSETS) return undefined;
      clocks.push(Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second));
    }
    return clocks;
  } catch {
    // A rule that ical.js refuses: the definition is compared as it is written.
    return undefined;
  }
}

function offsetSeconds(text: string | undefined): number | undefined {
  const match = /^([+-])(\d\d)(\d\d)(\d\d)?$/.exec(text ?? '');
  if (!match) return undefined;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -seconds : seconds;
}

/** The time zone definitions of a body. */
export function zonesIn(components: readonly Component[]): Zones {
  const zones = new Map<string, Defined>();
  for (const component of components) {
    if (component.name !== 'VTIMEZONE') continue;
    const tzid = zoneName(lineOf(component, 'TZID')?.value ?? '');
    const known = zones.get(tzid);
    if (known) known.definitions.push(component);
    else zones.set(tzid, { definitions: [component] });
  }
  return zones;
}
