/** What may be mended in a broken calendar object before a server refuses it. Each rule is in docs/equality.md. */
import { createHash } from 'node:crypto';
import type { Fitted } from '../../contract.js';
import type { ContentLine, Parameter } from './lines.js';
import { foldedLine, parsedLine } from './lines.js';
import type { LogicalLine } from './mending.js';
import { cleanText, escapedText, logicalLines, rejoined } from './mending.js';
import { clockOf, isZeroDuration } from './times.js';
import { withUid } from './uid.js';

const TEXTS = new Set(['SUMMARY', 'DESCRIPTION', 'LOCATION', 'COMMENT', 'CONTACT', 'RELATED-TO', 'X-ALT-DESC']);
const TIMES = /^(?:DTSTART|DTEND|DUE|RECURRENCE-ID|EXDATE|RDATE)$/;
const OUTSIDE = 'a line that belongs to no property was left out';
const ENTRIES = new Set(['VEVENT', 'VTODO', 'VJOURNAL']);
const PRODID = 'PRODID:-//Drover//Repaired//EN';

/** A line and what it says; lines of no property have none. */
interface Line extends LogicalLine {
  readonly parsed: ContentLine | undefined;
}

const lineFrom = (line: string): Line => ({
  written: foldedLine(line).replaceAll('\r\n', '\n'),
  line,
  parsed: parsedLine(line),
});

/**
 * The object as RFC 5545 and RFC 4791 want it, by rules that change as little as they can; what is sound comes back as
 * the same buffer. Notes name what changes the meaning, never a value; mending that the digest does not see has none.
 * Repairing twice is repairing once. What cannot be mended stays as it is: see `calendarProblem`.
 */
export function repaired(body: Buffer): Fitted<Buffer> {
  const clean = cleanText(body);
  const notes = new Set(clean.notes);
  let lines = logicalLines(clean.text).map((line): Line => ({ ...line, parsed: parsedLine(line.line) }));
  lines = joinedStrays(lines, notes);
  const closed = closedComponents(lines);
  if (!closed) return { body };
  lines = withWrapper(closed, notes);
  lines = lines.map((line) => withPlainZone(withEscapedText(line), notes));
  lines = mendedEntries(lines, notes);
  const mended = withMissingUid(rejoined(lines), lines, notes);
  return { body: mended.equals(body) ? body : mended, ...(notes.size > 0 ? { notes: [...notes] } : {}) };
}

/**
 * A line that is none belongs to the property before: its fold was lost. Inside a text it becomes a line of that text.
 * With no property before it, it belongs to nothing.
 */
function joinedStrays(lines: readonly Line[], notes: Set<string>): Line[] {
  const out: Line[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at++] as Line;
    const lost: string[] = [];
    while (at < lines.length && !lines[at]?.parsed) lost.push((lines[at++] as Line).line);
    const joins = line.parsed && !/^(?:BEGIN|END)$/.test(line.parsed.name);
    if (line.parsed) out.push(joins && lost.length > 0 ? withLost(line, line.parsed.name, lost, notes) : line);
    if (!line.parsed || (!joins && lost.length > 0)) notes.add(OUTSIDE);
  }
  return out;
}

function withLost({ line }: Line, name: string, lost: readonly string[], notes: Set<string>): Line {
  notes.add(`a line that had lost its fold was joined to ${name}`);
  if (!TEXTS.has(name)) return lineFrom(line + lost.join(''));
  return lineFrom([line, ...lost.map((one) => escapedText(one))].join('\\n'));
}

/** Adds the END that is missing; undefined when an END was never begun: nobody knows what belongs where. */
function closedComponents(lines: readonly Line[]): Line[] | undefined {
  const out: Line[] = [];
  const open: string[] = [];
  for (const line of lines) {
    const name = line.parsed?.value.trim().toUpperCase() ?? '';
    if (line.parsed?.name === 'END') {
      if (!open.includes(name)) return undefined;
      while (open[open.length - 1] !== name) out.push(lineFrom(`END:${open.pop()}`));
      open.pop();
    } else if (line.parsed?.name === 'BEGIN') {
      // Calendars stand in nothing, entries only in calendars: what is still open was not ended.
      if (name === 'VCALENDAR') while (open.length > 0) out.push(lineFrom(`END:${open.pop()}`));
      if (ENTRIES.has(name))
        while (open.length > 0 && open[open.length - 1] !== 'VCALENDAR') out.push(lineFrom(`END:${open.pop()}`));
      open.push(name);
    }
    out.push(line);
  }
  while (open.length > 0) out.push(lineFrom(`END:${open.pop()}`));
  return out.some((line) => line.parsed?.name === 'BEGIN') ? out : undefined;
}

/** BEGIN:VCALENDAR, VERSION and PRODID are there; METHOD is not, as stored objects may not have one (RFC 4791, 4.1). */
function withWrapper(lines: readonly Line[], notes: Set<string>): Line[] {
  const begins = (line: Line | undefined) =>
    line?.parsed?.name === 'BEGIN' && line.parsed.value.trim().toUpperCase() === 'VCALENDAR';
  const inside = lines.some(begins) ? [...lines] : [lineFrom('BEGIN:VCALENDAR'), ...lines, lineFrom('END:VCALENDAR')];
  const head = new Set<string>();
  let calendars = 0;
  let depth = 0;
  let calendar = false;
  const kept = inside.filter((line) => {
    if (line.parsed?.name === 'BEGIN') {
      if (begins(line)) calendars++;
      if (depth++ === 0) calendar = begins(line);
    } else if (line.parsed?.name === 'END') depth--;
    else if (depth === 0) {
      notes.add(OUTSIDE);
      return false;
    } else if (depth === 1 && calendar && line.parsed) {
      if (calendars === 1) head.add(line.parsed.name);
      return line.parsed.name !== 'METHOD';
    }
    return true;
  });
  const added = [
    ...(head.has('VERSION') ? [] : [lineFrom('VERSION:2.0')]),
    ...(head.has('PRODID') ? [] : [lineFrom(PRODID)]),
  ];
  if (added.length > 0) kept.splice(kept.findIndex(begins) + 1, 0, ...added);
  return kept;
}

/** A date is in no zone (Apple names one), and a TZID with a colon or a comma has quotes (RFC 5545, 3.2). */
function withPlainZone(line: Line, notes: Set<string>): Line {
  const { parsed } = line;
  if (!parsed || !TIMES.test(parsed.name) || !parsed.params.some(({ name }) => name === 'TZID')) return line;
  const params = parsed.params.filter(({ name }) => name !== 'TZID');
  const isDate = params.some(({ name, values }) => name === 'VALUE' && values[0]?.toUpperCase() === 'DATE');
  if (isDate && !parsed.value.includes('T')) return lineFrom(writtenLine({ ...parsed, params }));
  const tzid = parsed.params.find(({ name }) => name === 'TZID') as Parameter;
  // `TZID=(UTC+01:00) Berlin, Rome:20260105T090000`: what stands before the time is the rest of the name.
  const rest = /^([^:]*):([\dTZ,]{8,})$/.exec(parsed.value);
  if (rest === null && tzid.values.length === 1) return line;
  const name = rest === null ? tzid.values.join(',') : `${tzid.values.join(',')}:${rest[1]}`;
  if (rest !== null) notes.add('a TZID that had lost its quotes got them again');
  const value = rest === null ? parsed.value : (rest[2] as string);
  return lineFrom(writtenLine({ ...parsed, params: [...params, { name: 'TZID', values: [name] }], value }));
}

function writtenLine({ name, params, value }: ContentLine): string {
  const written = params.map((param) => `;${param.name}=${param.values.map(quoted).join(',')}`);
  return `${name}${written.join('')}:${value}`;
}

const quoted = (value: string): string => (/[:;,]/.test(value) ? `"${value}"` : value);

/** Radicale (vobject) keeps a text only up to its first bare comma; RFC 5545, 3.3.11 wants it escaped. */
function withEscapedText(line: Line): Line {
  if (!line.parsed || !TEXTS.has(line.parsed.name) || !/[,;]/.test(line.parsed.value)) return line;
  const escaped = escapedText(line.parsed.value);
  if (escaped === line.parsed.value) return line;
  return lineFrom(line.line.slice(0, line.line.length - line.parsed.value.length) + escaped);
}

function mendedEntries(lines: readonly Line[], notes: Set<string>): Line[] {
  const out: Line[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as Line;
    const name = line.parsed?.value.trim().toUpperCase() ?? '';
    if (line.parsed?.name !== 'BEGIN' || !ENTRIES.has(name)) {
      out.push(line);
      continue;
    }
    const end = endFrom(lines, at);
    out.push(line);
    for (const each of mendedAlarms(mendedTimes(lines.slice(at + 1, end), notes), notes)) out.push(each);
    at = end - 1;
  }
  return out;
}

/** The lines of one entry, without its BEGIN and END. */
function mendedTimes(lines: readonly Line[], notes: Set<string>): Line[] {
  const all = (name: string) => ownLines(lines).filter((line) => line.parsed?.name === name);
  const [start] = all('DTSTART');
  const ends = all('DTEND');
  const dropped = new Set<Line>();
  if (ends.length > 0) {
    for (const duration of all('DURATION')) {
      dropped.add(duration);
      if (!isZeroDuration(duration.parsed?.value ?? '')) notes.add('DURATION was left out: there is a DTEND too');
    }
  }
  for (const end of ends) {
    if (!start || !endsBefore(start, end)) continue;
    dropped.add(end);
    notes.add('DTEND was left out: it lies before DTSTART');
  }
  const timed = /T(\d{6}Z?)$/.exec(start?.parsed?.value.trim() ?? '');
  return lines
    .filter((line) => !dropped.has(line))
    .map((line) => (timed && start ? withTimeOf(start, timed[1] as string, line, notes) : line));
}

/** Lines of the entry itself, without those of alarms inside it. */
function ownLines(lines: readonly Line[]): Line[] {
  let depth = 0;
  return lines.filter((line) => {
    if (line.parsed?.name === 'BEGIN') depth++;
    else if (line.parsed?.name === 'END') depth--;
    else return depth === 0;
    return false;
  });
}

/** RFC 5545, 3.6.6 wants an ACTION of an alarm (Apple leaves it out); Radicale would make the same of it, without a word. */
function mendedAlarms(lines: readonly Line[], notes: Set<string>): Line[] {
  return lines.flatMap((line, at) => {
    if (line.parsed?.name !== 'BEGIN' || line.parsed.value.trim().toUpperCase() !== 'VALARM') return [line];
    for (let next = at + 1; next < lines.length; next++) {
      const name = lines[next]?.parsed?.name;
      if (name === 'ACTION') return [line];
      if (name === 'BEGIN' || name === 'END') break;
    }
    notes.add('an alarm without ACTION got that of a sound');
    return [line, lineFrom('ACTION:AUDIO')];
  });
}

function endsBefore(start: Line, end: Line): boolean {
  const zone = (line: Line) => line.parsed?.params.find((param) => param.name === 'TZID')?.values[0];
  const [from = '', to = ''] = [start.parsed?.value.trim(), end.parsed?.value.trim()];
  const comparable = zone(start) === zone(end) && from.length === to.length;
  return comparable && (clockOf(to) ?? 0) < (clockOf(from) ?? 0);
}

/** Evolution leaves dates out of a series of times: the occurrence of that day is meant (Radicale does the same). */
function withTimeOf(start: Line, time: string, line: Line, notes: Set<string>): Line {
  if (line.parsed?.name !== 'EXDATE' || !/^\s*\d{8}(?:\s*,\s*\d{8})*\s*$/.test(line.parsed.value)) return line;
  notes.add('EXDATE got the time of DTSTART: it had only a date');
  const tzid = start.parsed?.params.find((param) => param.name === 'TZID')?.values[0];
  const zone = tzid === undefined ? '' : /[:;,]/.test(tzid) ? `;TZID="${tzid}"` : `;TZID=${tzid}`;
  const values = line.parsed.value.split(',').map((date) => `${date.trim()}T${time}`);
  return lineFrom(`EXDATE${zone}:${values.join(',')}`);
}

function withMissingUid(body: Buffer, lines: readonly Line[], notes: Set<string>): Buffer {
  const uids = new Set<string>();
  let missing = false;
  lines.forEach((line, at) => {
    if (line.parsed?.name !== 'BEGIN' || !ENTRIES.has(line.parsed.value.trim().toUpperCase())) return;
    const uid = ownLines(lines.slice(at + 1, endFrom(lines, at))).find((each) => each.parsed?.name === 'UID');
    if (uid?.parsed && uid.parsed.value.trim() !== '') uids.add(uid.parsed.value.trim());
    else missing = true;
  });
  if (!missing || uids.size > 1) return body;
  notes.add('it had no UID and got one that follows from its content');
  const [given = createHash('sha256').update(body).digest('hex').slice(0, 32)] = uids;
  return withUid(body, given);
}

function endFrom(lines: readonly Line[], begin: number): number {
  let depth = 0;
  for (let at = begin; at < lines.length; at++) {
    if (lines[at]?.parsed?.name === 'BEGIN') depth++;
    else if (lines[at]?.parsed?.name === 'END' && --depth === 0) return at;
  }
  return lines.length;
}
