/** What a TZID means: a zone everybody knows by its name, or the rules of a VTIMEZONE. */
import ICAL from 'ical.js';
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

/**
 * What a TZID means, as text to compare: the IANA name; else the offsets and changes that its VTIMEZONE gives; else the
 * name itself.
 */
export function zoneMeaning(tzid: string, zones: ReadonlyMap<string, Component>): string {
  const name = standardZone(tzid);
  if (name !== undefined) return name;
  const definition = zones.get(tzid);
  return definition ? `(${meaningOf(definition)})` : tzid;
}

function meaningOf(definition: Component): string {
  const written = writtenZone(definition);
  return defined.get(written) ?? remember(defined, written, changesOf(written) ?? written);
}

const RULES = ['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO', 'RRULE', 'RDATE'];

/** Only what decides offsets: names, comments and dates of change do not. */
function writtenZone(definition: Component): string {
  const observances = definition.components
    .filter((component) => component.name === 'STANDARD' || component.name === 'DAYLIGHT')
    .map((component) =>
      [
        `BEGIN:${component.name}`,
        ...RULES.flatMap((name) =>
          component.lines.filter((line) => line.name === name).map((line) => `${name}:${line.value.trim()}`),
        ),
        `END:${component.name}`,
      ].join('\r\n'),
    );
  return observances.sort().join('\r\n');
}

const DAY_SECONDS = 86_400;
const FIRST = Date.UTC(1990, 0, 1) / 1000;
const LAST = Date.UTC(2038, 0, 1) / 1000;

/** Rules of a zone that are cheap to expand. Others (`FREQ=SECONDLY` since 1970) could keep a worker busy for hours. */
const CHEAP_RULE =
  /^FREQ=YEARLY(?:;(?:INTERVAL=\d+|COUNT=\d+|UNTIL=[\dTZ]+|WKST=\w+|BY(?:MONTH|DAY|MONTHDAY|YEARDAY|WEEKNO|SETPOS)=[\w,+-]+))*$/i;
const MAX_WRITTEN = 20_000;

/**
 * All changes of offset from 1990 to 2037, found by asking ical.js for each week and halving. Expanding is what makes
 * two spellings of one zone equal: with RRULE or RDATE, begun in 1601 or in 1970. Undefined when ical.js cannot read it,
 * or would take long.
 */
function changesOf(written: string): string | undefined {
  const rules = [...written.matchAll(/^RRULE:(.*)$/gm)].map((match) => (match[1] as string).trim());
  if (written.length > MAX_WRITTEN || !rules.every((rule) => CHEAP_RULE.test(rule))) return undefined;
  try {
    const text = `BEGIN:VTIMEZONE\r\nTZID:zone\r\n${written}\r\nEND:VTIMEZONE`;
    const zone = new ICAL.Timezone({ component: text, tzid: 'zone' });
    const offsetAt = (seconds: number): number => {
      const date = new Date(seconds * 1000);
      return zone.utcOffset(
        new ICAL.Time(
          {
            year: date.getUTCFullYear(),
            month: date.getUTCMonth() + 1,
            day: date.getUTCDate(),
            hour: date.getUTCHours(),
            minute: date.getUTCMinutes(),
            second: date.getUTCSeconds(),
            isDate: false,
          },
          zone,
        ),
      );
    };
    let offset = offsetAt(FIRST);
    const changes = [String(offset)];
    for (let at = FIRST; at < LAST; at += 7 * DAY_SECONDS) {
      const next = offsetAt(at + 7 * DAY_SECONDS);
      if (next === offset) continue;
      let low = at;
      let high = at + 7 * DAY_SECONDS;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (offsetAt(middle) === offset) low = middle;
        else high = middle;
      }
      offset = next;
      changes.push(`${high}:${offset}`);
    }
    return changes.join(' ');
  } catch {
    // A definition that cannot be expanded is compared as it is written.
    return undefined;
  }
}

/** The time zone definitions of a body, by TZID; of several with one name the first counts. */
export function zonesIn(components: readonly Component[]): Map<string, Component> {
  const zones = new Map<string, Component>();
  for (const component of components) {
    if (component.name !== 'VTIMEZONE') continue;
    const tzid = lineOf(component, 'TZID')?.value.trim();
    if (tzid !== undefined && !zones.has(tzid)) zones.set(tzid, component);
  }
  return zones;
}
