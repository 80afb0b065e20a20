/** One calendar object for each UID from an export file with many entries. */
import { createHash } from 'node:crypto';
import { unicode } from './charset.js';
import { fileLines, MAX_ITEM_BYTES, TOO_LARGE } from './file-lines.js';
import { parsedLine } from './lines.js';
import { tzidOf, zoneName } from './zones.js';

const PRODID = 'PRODID:-//Drover//Export//EN';
const ENTRIES = new Set(['VEVENT', 'VTODO', 'VJOURNAL']);

/** The lines of a VTIMEZONE, as written. */
type Definition = readonly string[];

/** One VCALENDAR of the file. Files that were put together give one TZID several meanings: each calendar has its own. */
interface Calendar {
  prodid: string;
  scale: readonly string[];
  /** By name and by what they say: two of one name only where they differ. */
  readonly zones: Map<string, ReadonlyMap<string, Definition>>;
}

/** What the calendars of a file define, by name; none where they do not agree. */
type Shared = Map<string, Definition | undefined>;

/** Lines of one component, as written, and what has to be known of it. */
interface Entry {
  readonly uid: string;
  readonly lines: readonly string[];
  readonly zones: readonly string[];
  readonly calendar: Calendar;
  readonly override: boolean;
  readonly repeats: boolean;
}

interface Part {
  /** `X`: it was not ended. Empty: what stands outside of any component. */
  readonly name: string;
  readonly lines: readonly string[];
  readonly calendar: Calendar;
  /** Its lines are left out. */
  readonly tooLarge: boolean;
}

/** One object of an export file, or why it is not to be had; the body is then empty. */
export interface SplitObject {
  readonly uid: string;
  readonly body: Buffer;
  readonly problem?: string;
}

/**
 * Objects with CRLF line ends, their components as written, in a VCALENDAR that keeps the PRODID and CALSCALE of their
 * own; METHOD goes, as a stored object may not have one (RFC 4791, 4.1). The time zones used by an object go with it: those
 * of its own calendar, else one that another calendar of the file defines, if all that do agree. An entry without UID gets
 * one that follows from its content. A second entry of a UID that is not an override of the first, or whose zones are others
 * of the same name, comes as an object of its own with the same `uid`. What is not a calendar comes as a body of its own,
 * and `calendarProblem` tells what is wrong with it.
 *
 * Memory: what cannot be emitted yet. Entries that repeat, overrides (which may stand anywhere), and entries whose time
 * zone has not been read are held to the end; everything else leaves at once, in the order of the file.
 * A component of more than `most` bytes comes as a problem.
 */
export async function* splitCalendar(
  chunks: AsyncIterable<Buffer>,
  most = MAX_ITEM_BYTES,
): AsyncGenerator<SplitObject> {
  const shared: Shared = new Map();
  const held: Entry[] = [];
  for await (const { name, lines, calendar, tooLarge } of parts(chunks, most)) {
    if (tooLarge)
      yield { uid: unicode(propertyOf(lines, 'UID')?.trim() ?? ''), body: Buffer.alloc(0), problem: TOO_LARGE };
    else if (name === '') yield { uid: contentId(lines), body: ended(lines) };
    else if (name === 'VTIMEZONE') addZone(calendar, lines, shared);
    else {
      const entry = entryOf(lines, calendar);
      const ready = entry.zones.every((tzid) => calendar.zones.has(tzid));
      if (entry.repeats || entry.override || !ready) held.push(entry);
      else yield { uid: unicode(entry.uid), body: objectOf([entry], shared) };
    }
  }
  for (const entries of series(held)) yield { uid: unicode(entries[0]?.uid ?? ''), body: objectOf(entries, shared) };
}

function addZone({ zones }: Calendar, lines: Definition, shared: Shared): void {
  const tzid = zoneName(propertyOf(lines, 'TZID') ?? '');
  const other = shared.get(tzid);
  // One copy in memory of what each calendar of the file repeats.
  const definition = other && isSame(other, lines) ? other : lines;
  if (!shared.has(tzid)) shared.set(tzid, definition);
  else if (definition !== other) shared.set(tzid, undefined);
  const text = definition.join('\n');
  const known = zones.get(tzid) as Map<string, Definition> | undefined;
  if (!known) zones.set(tzid, new Map([[text, definition]]));
  else if (!known.has(text)) known.set(text, definition);
}

const isSame = (one: Definition, other: Definition): boolean =>
  one === other || (one.length === other.length && one.every((line, at) => line === other[at]));

const HEAD_LINES = 50;

/** Deeper nesting is noise, no calendar. */
const MAX_DEPTH = 50;

/** Components of the first level, and as nameless ones what stands outside of any calendar. */
async function* parts(chunks: AsyncIterable<Buffer>, most: number): AsyncGenerator<Part> {
  let lines: string[] = [];
  let bytes = 0;
  const open: string[] = [];
  let inCalendar = false;
  let calendar = begun();
  const taken = (name: string): Part => {
    const part = { name, lines, calendar, tooLarge: bytes > most };
    lines = [];
    bytes = 0;
    open.length = 0;
    return part;
  };
  for await (const line of fileLines(chunks)) {
    const marker = markerIn(line);
    if (marker?.name === 'VCALENDAR') {
      if (lines.length > 0 || bytes > most) yield taken(open.length > 0 ? 'X' : '');
      inCalendar = marker.begins;
      if (inCalendar) calendar = begun();
      continue;
    }
    // An entry within an entry: the first was not ended, and leaves as it is, for repair.
    if (marker?.begins && ENTRIES.has(marker.name) && open.length > 0) yield taken('X');
    if (open.length === 0 && !marker && inCalendar) {
      if (/^PRODID[:;]/i.test(line)) calendar.prodid = line;
      else if (/^CALSCALE[:;]/i.test(line)) calendar.scale = [line];
      continue;
    }
    if (line === '') continue;
    bytes += line.length;
    // Of what is too large only the head is kept, for its UID.
    if (bytes <= most) lines.push(line);
    else if (lines.length > HEAD_LINES) lines.length = HEAD_LINES;
    if (marker?.begins) {
      if (open.length < MAX_DEPTH) open.push(marker.name);
    } else if (marker) {
      const [outer] = open;
      // What ends with it was not ended, either; an END that nothing began belongs to it.
      const at = open.lastIndexOf(marker.name);
      if (at !== -1) open.length = at;
      if (open.length === 0) yield taken(outer ?? marker.name);
    }
  }
  if (lines.length > 0 || bytes > most) yield taken(open.length > 0 ? 'X' : '');
}

const begun = (): Calendar => ({ prodid: PRODID, scale: [], zones: new Map() });

function markerIn(line: string): { readonly begins: boolean; readonly name: string } | undefined {
  const marker = /^(BEGIN|END):[ \t]*([\w-]+)[ \t]*$/i.exec(line);
  return marker ? { begins: marker[1]?.length === 5, name: (marker[2] as string).toUpperCase() } : undefined;
}

function entryOf(lines: readonly string[], calendar: Calendar): Entry {
  const uid = propertyOf(lines, 'UID')?.trim();
  const missing = uid === undefined || uid === '';
  const given = missing ? contentId(lines) : uid;
  return {
    uid: given,
    lines: missing
      ? [lines[0] as string, `UID:${given}`, ...lines.slice(1).filter((line) => !/^UID:[ \t]*$/i.test(line))]
      : lines,
    zones: zonesOf(lines),
    calendar,
    override: propertyOf(lines, 'RECURRENCE-ID') !== undefined,
    repeats: propertyOf(lines, 'RRULE') !== undefined || propertyOf(lines, 'RDATE') !== undefined,
  };
}

/** The zones that times of the component name. */
function zonesOf(lines: readonly string[]): string[] {
  const zones = new Set<string>();
  for (const [at, line] of lines.entries()) {
    if (isFold(line)) continue;
    const whole = unfoldedAt(lines, at);
    const parsed = /TZID/i.test(whole) ? parsedLine(whole) : undefined;
    const tzid = parsed && tzidOf(parsed);
    if (tzid) zones.add(tzid);
  }
  return [...zones];
}

const isFold = (line: string): boolean => line[0] === ' ' || line[0] === '\t';

function unfoldedAt(lines: readonly string[], at: number): string {
  let end = at + 1;
  while (end < lines.length && isFold(lines[end] as string)) end++;
  if (end === at + 1) return lines[at] as string;
  return [lines[at], ...lines.slice(at + 1, end).map((line) => line.slice(1))].join('');
}

/** The unfolded value of a property of the component itself, not of those inside it. */
function propertyOf(lines: readonly string[], name: string): string | undefined {
  let depth = 0;
  for (const [at, line] of lines.entries()) {
    if (/^BEGIN:/i.test(line)) depth++;
    else if (/^END:/i.test(line)) depth--;
    else if (depth === 1 && line.slice(0, name.length).toUpperCase() === name) {
      const parsed = parsedLine(unfoldedAt(lines, at));
      if (parsed?.name === name) return parsed.value;
    }
  }
  return undefined;
}

/** The entries of one object, and what their zones mean. */
interface Series {
  readonly entries: Entry[];
  readonly zones: Map<string, ReadonlyMap<string, Definition>>;
  hasMaster: boolean;
}

/**
 * Groups by UID in the order of first sight. A further entry that is not an override begins an object of its own, and so does
 * one that has another zone of the same name.
 */
function series(held: readonly Entry[]): (readonly Entry[])[] {
  const objects: Series[] = [];
  const open = new Map<string, Series>();
  for (const entry of held) {
    const known = open.get(entry.uid);
    const joins = known && (entry.override || !known.hasMaster) && agrees(entry, known);
    const one: Series = joins ? known : { entries: [], zones: new Map(), hasMaster: false };
    if (!joins) objects.push(one);
    if (!known) open.set(entry.uid, one);
    if (entry.override) one.entries.push(entry);
    else one.entries.unshift(entry);
    one.hasMaster ||= !entry.override;
    for (const tzid of entry.zones) {
      const meaning = entry.calendar.zones.get(tzid);
      if (meaning) one.zones.set(tzid, meaning);
    }
  }
  return objects.map(({ entries }) => entries);
}

function agrees({ calendar, zones }: Entry, others: Series): boolean {
  return zones.every((tzid) => {
    const [mine, theirs] = [calendar.zones.get(tzid), others.zones.get(tzid)];
    return !mine || !theirs || (mine.size === theirs.size && [...mine.keys()].every((text) => theirs.has(text)));
  });
}

function objectOf(entries: readonly Entry[], shared: Shared): Buffer {
  const [{ calendar }] = entries as readonly [Entry];
  const used = new Map<string, readonly Definition[]>();
  for (const { calendar: own, zones } of entries)
    for (const tzid of zones) {
      const definitions = own.zones.get(tzid);
      if (definitions) used.set(tzid, [...definitions.values()]);
      else if (!used.has(tzid)) used.set(tzid, [shared.get(tzid) ?? []]);
    }
  return ended([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    calendar.prodid,
    ...calendar.scale,
    ...[...used.values()].flat(2),
    ...entries.flatMap((entry) => entry.lines),
    'END:VCALENDAR',
  ]);
}

const ended = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');

const contentId = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('\n'), 'latin1').digest('hex').slice(0, 32);
