/** One calendar object for each UID from an export file with many entries. */
import { createHash } from 'node:crypto';
import { Fault } from '../errors.js';
import { unicode } from './charset.js';
import { fileLines } from './file-lines.js';

/** A component larger than this is none; reading on would only fill the memory. */
const MAX_COMPONENT_BYTES = 64 * 1024 * 1024;
const PRODID = 'PRODID:-//Drover//Export//EN';

/** Lines of one component, as written, and what has to be known of it. */
interface Entry {
  readonly uid: string;
  readonly lines: readonly string[];
  readonly zones: readonly string[];
  readonly override: boolean;
  readonly repeats: boolean;
}

/**
 * Objects with CRLF line ends, their components as written, in a VCALENDAR that keeps the PRODID and CALSCALE of the
 * file; METHOD goes, as a stored object may not have one (RFC 4791, 4.1). The time zones used by an object go with it.
 * An entry without UID gets one that follows from its content. A second entry of a UID that is no override of the
 * first comes as an object of its own with the same `uid`. What is no calendar comes as a body of its own, and
 * `calendarProblem` tells what is wrong with it.
 *
 * Memory: what cannot be emitted yet. Entries that repeat, overrides (which may stand anywhere), and entries whose time
 * zone has not been read are held to the end; everything else leaves at once, in the order of the file.
 * Throws `Fault('refused')` for a component of more than 64 MiB.
 */
export async function* splitCalendar(chunks: AsyncIterable<Buffer>): AsyncGenerator<{ uid: string; body: Buffer }> {
  const zones = new Map<string, readonly string[]>();
  const held: Entry[] = [];
  const head = { prodid: PRODID, scale: [] as string[] };
  for await (const component of components(chunks, head)) {
    if (component.name === '') yield { uid: contentId(component.lines), body: ended(component.lines) };
    else if (component.name === 'VTIMEZONE') {
      const tzid = propertyOf(component.lines, 'TZID');
      if (tzid !== undefined && !zones.has(tzid)) zones.set(tzid, component.lines);
    } else {
      const entry = entryOf(component.lines);
      const ready = entry.zones.every((tzid) => zones.has(tzid));
      if (entry.repeats || entry.override || !ready) held.push(entry);
      else yield { uid: unicode(entry.uid), body: objectOf([entry], zones, head) };
    }
  }
  for (const entries of series(held))
    yield { uid: unicode(entries[0]?.uid ?? ''), body: objectOf(entries, zones, head) };
}

/** Components of the first level, and as nameless ones what stands outside of any calendar. */
async function* components(
  chunks: AsyncIterable<Buffer>,
  head: { prodid: string; scale: string[] },
): AsyncGenerator<{ name: string; lines: string[] }> {
  let lines: string[] = [];
  let bytes = 0;
  let depth = 0;
  let inCalendar = false;
  for await (const line of fileLines(chunks)) {
    const marker = /^(BEGIN|END):\s*([\w-]+)\s*$/i.exec(line);
    const begins = marker?.[1]?.toUpperCase() === 'BEGIN';
    const name = marker?.[2]?.toUpperCase();
    if (depth === 0 && name === 'VCALENDAR') {
      if (lines.length > 0) yield { name: '', lines };
      lines = [];
      inCalendar = begins;
      continue;
    }
    if (depth > 0 && name === 'VCALENDAR') {
      // The component was not ended: it leaves as it is, for repair.
      yield { name: 'X', lines };
      lines = [];
      depth = 0;
      inCalendar = begins;
      continue;
    }
    if (marker) depth += begins ? 1 : depth > 0 ? -1 : 0;
    if (depth === 0 && !marker && inCalendar) {
      if (/^PRODID[:;]/i.test(line)) head.prodid = line;
      if (/^CALSCALE[:;]/i.test(line)) head.scale = [line];
      continue;
    }
    if (line.trim() === '') continue;
    lines.push(line);
    bytes = lines.length === 1 ? line.length : bytes + line.length;
    if (bytes > MAX_COMPONENT_BYTES)
      throw new Fault('refused', 'an export file holds a component of more than 64 MiB', {
        next: 'look for a line BEGIN:VEVENT without END:VEVENT, and split the file there',
      });
    if (depth === 0 && marker && !begins) {
      yield { name: name as string, lines };
      lines = [];
    }
  }
  if (lines.length > 0) yield { name: depth > 0 ? 'X' : '', lines };
}

function entryOf(lines: readonly string[]): Entry {
  const uid = propertyOf(lines, 'UID')?.trim();
  const zones = new Set<string>();
  for (const line of lines
    .join('\n')
    .replace(/\n[ \t]/g, '')
    .split('\n')) {
    const [found, quoted, plain] = /^[A-Z-]+;(?:[^:]*;)?TZID=(?:"([^"]*)"|([^;:,]*))/is.exec(line) ?? [];
    if (found !== undefined) zones.add((quoted ?? plain) as string);
  }
  const missing = uid === undefined || uid === '';
  const given = missing ? contentId(lines) : uid;
  return {
    uid: given,
    lines: missing
      ? [lines[0] as string, `UID:${given}`, ...lines.slice(1).filter((line) => !/^UID:\s*$/i.test(line))]
      : lines,
    zones: [...zones],
    override: propertyOf(lines, 'RECURRENCE-ID') !== undefined,
    repeats: propertyOf(lines, 'RRULE') !== undefined || propertyOf(lines, 'RDATE') !== undefined,
  };
}

/** The unfolded value of a property of the component itself, not of those inside it. */
function propertyOf(lines: readonly string[], name: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (/^BEGIN:/i.test(line)) depth++;
    else if (/^END:/i.test(line)) depth--;
    else if (depth === 1 && line.length >= name.length && line.slice(0, name.length).toUpperCase() === name) {
      let whole = line;
      while (/^[ \t]/.test(lines[at + 1] ?? '')) whole += (lines[++at] as string).slice(1);
      const rest = whole.slice(name.length);
      if (rest[0] === ':') return rest.slice(1);
      if (rest[0] === ';') return rest.replace(/^(?:;[^:;"]*(?:"[^"]*"[^:;"]*)*)*:/, '');
    }
  }
  return undefined;
}

/** Groups by UID in the order of first sight; a further entry that is no override begins an object of its own. */
function series(held: readonly Entry[]): Entry[][] {
  const objects: Entry[][] = [];
  const open = new Map<string, { entries: Entry[]; hasMaster: boolean }>();
  for (const entry of held) {
    const known = open.get(entry.uid);
    if (known && (entry.override || !known.hasMaster)) {
      if (entry.override) known.entries.push(entry);
      else known.entries.unshift(entry);
      known.hasMaster ||= !entry.override;
    } else {
      const entries = [entry];
      objects.push(entries);
      if (!known) open.set(entry.uid, { entries, hasMaster: !entry.override });
    }
  }
  return objects;
}

function objectOf(
  entries: readonly Entry[],
  zones: ReadonlyMap<string, readonly string[]>,
  head: { readonly prodid: string; readonly scale: readonly string[] },
): Buffer {
  const used = new Set(entries.flatMap((entry) => entry.zones));
  return ended([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    head.prodid,
    ...head.scale,
    ...[...used].flatMap((tzid) => zones.get(tzid) ?? []),
    ...entries.flatMap((entry) => entry.lines),
    'END:VCALENDAR',
  ]);
}

const ended = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');

const contentId = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('\n'), 'latin1').digest('hex').slice(0, 32);
