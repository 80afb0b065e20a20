import { describe, expect, it } from 'vitest';
import { event, oddEvents } from '../../../tests/conformance/odd-events.js';
import { calendarIdentities, calendarProblem, digestCalendar } from '../../kinds/calendar.js';
import { splitCalendar } from './split.js';

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function split(file: string | Buffer, size = 1000): Promise<{ uid: string; body: Buffer }[]> {
  const objects = [];
  for await (const object of splitCalendar(inChunks(Buffer.from(file), size))) objects.push(object);
  return objects;
}

const calendar = (...lines: string[]): string =>
  `${['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR'].join('\r\n')}\r\n`;
const entry = (uid: string, ...lines: string[]): string[] => ['BEGIN:VEVENT', `UID:${uid}`, ...lines, 'END:VEVENT'];
const START = 'DTSTART:20260301T100000Z';

/** One export file with all of them, as a server would write it: zones first, entries of a series far apart. */
function exported(bodies: readonly Buffer[]): Buffer {
  const zones: string[] = [];
  const masters: string[] = [];
  const overrides: string[] = [];
  for (const body of bodies) {
    const components =
      body.toString('latin1').match(/^BEGIN:(VTIMEZONE|VEVENT|VTODO|VJOURNAL)\r\n[\s\S]*?^END:\1\r\n/gim) ?? [];
    for (const component of components)
      (/^BEGIN:VTIMEZONE/.test(component) ? zones : /^RECURRENCE-ID/m.test(component) ? overrides : masters).push(
        component,
      );
  }
  const unique = [...new Set(zones)];
  const text = [
    'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\n',
    ...overrides,
    ...unique,
    ...masters,
    'END:VCALENDAR\r\n',
  ];
  return Buffer.from(text.join(''), 'latin1');
}

describe('splitCalendar', () => {
  it.each([1, 7, 100_000])('finds every odd event again in one file, read in chunks of %i', async (size) => {
    const bodies = Object.entries(oddEvents)
      .filter(([name]) => !name.startsWith('broken') && !name.includes('lower case'))
      .map(([, body]) => body);
    const objects = await split(exported(bodies), size);
    expect(objects.map(({ body }) => digestCalendar(body)).sort()).toEqual(bodies.map(digestCalendar).sort());
    expect(objects.map(({ body }) => calendarProblem(body))).toEqual(objects.map(() => undefined));
    for (const { uid, body } of objects) expect(calendarIdentities(body, ['uid'])).toEqual([`uid:${uid}`]);
    expect(objects.some(({ body }) => body.includes('METHOD'))).toBe(false);
  });

  it('joins overrides to their series even when they stand before it', async () => {
    const file = calendar(
      ...entry('a', START, 'RECURRENCE-ID:20260302T100000Z'),
      ...entry('b', START),
      ...entry('a', START, 'RRULE:FREQ=DAILY'),
      ...entry('a', START, 'RECURRENCE-ID:20260303T100000Z'),
    );
    const objects = await split(file);
    expect(objects.map(({ uid }) => uid)).toEqual(['b', 'a']);
    const series = objects[1]?.body.toString() ?? '';
    expect(series.match(/^BEGIN:VEVENT/gm)).toHaveLength(3);
    expect(series.indexOf('RRULE')).toBeLessThan(series.indexOf('RECURRENCE-ID'));
  });

  it('emits what is complete before the file ends', async () => {
    let asked = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('BEGIN:VCALENDAR\r\n');
      for (;;) {
        asked++;
        yield Buffer.from(`${entry(String(asked), START).join('\r\n')}\r\n`);
      }
    }
    const uids: string[] = [];
    for await (const { uid } of splitCalendar(endless())) if (uids.push(uid) === 3) break;
    expect(uids).toEqual(['1', '2', '3']);
    expect(asked).toBe(3);
  });

  it('gives an object the zones it uses, even when they come later, and no others', async () => {
    const zone = (tzid: string) => ['BEGIN:VTIMEZONE', `TZID:${tzid}`, 'X-A:b', 'END:VTIMEZONE'];
    const [object] = await split(
      calendar(...zone('One'), ...entry('a', 'DTSTART;TZID="Two":20260301T100000'), ...zone('Two')),
    );
    expect(object?.body.toString()).toContain('TZID:Two');
    expect(object?.body.toString()).not.toContain('TZID:One');
  });

  it('gives an entry without UID one that follows from its content', async () => {
    const file = calendar(
      'BEGIN:VEVENT',
      START,
      'SUMMARY:x',
      'END:VEVENT',
      'BEGIN:VEVENT',
      START,
      'SUMMARY:y',
      'END:VEVENT',
    );
    const [one, two] = await split(file);
    expect(one?.uid).toMatch(/^[0-9a-f]{32}$/);
    expect(one?.body.toString()).toContain(`UID:${one?.uid}\r\n`);
    expect(two?.uid).not.toBe(one?.uid);
    expect((await split(file, 3)).map(({ uid }) => uid)).toEqual([one?.uid, two?.uid]);
  });

  it('keeps the second entry of a UID as an object of its own', async () => {
    const objects = await split(calendar(...entry('a', START, 'SUMMARY:x'), ...entry('a', START, 'SUMMARY:y')));
    expect(objects.map(({ uid }) => uid)).toEqual(['a', 'a']);
  });

  it('names an entry that is too large, and goes on with its neighbours', async () => {
    const lines = [...entry('a', START), ...entry('b', START, ...Array(1000).fill('COMMENT:x')), ...entry('c', START)];
    const found = [];
    for await (const { uid, problem } of splitCalendar(inChunks(Buffer.from(calendar(...lines)), 100), 5000))
      found.push([uid, problem]);
    expect(found).toEqual([
      ['a', undefined],
      ['b', expect.stringMatching(/larger than 64 MiB/)],
      ['c', undefined],
    ]);
  });

  it('does not drop what is no calendar, or was not ended', async () => {
    const noise = await split('hello\r\nthere');
    expect(noise.map(({ body }) => calendarProblem(body))).toEqual([expect.stringContaining('no iCalendar')]);
    const cut = await split('BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260301T100000Z\r\n');
    expect(cut.map(({ uid }) => uid)).toEqual(['a']);
  });

  it('takes each of many calendars in one file, with any line ends', async () => {
    const file = Buffer.concat([event(1), Buffer.from(event(2).toString().replaceAll('\r\n', '\n'))]);
    expect((await split(file)).map(({ body }) => digestCalendar(body))).toEqual([
      digestCalendar(event(1)),
      digestCalendar(event(2)),
    ]);
  });
});
