/** Filling a new collection in one request, on a real Radicale. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { all, apply, entries, never, written } from '../../../tests/conformance/collect.js';
import type { ItemKind } from '../../../tests/conformance/items.js';
import { containerIn, creating, digestOf, samples } from '../../../tests/conformance/items.js';
import { oddEvents } from '../../../tests/conformance/odd-events.js';
import { davAccount } from '../../../tests/servers/dav-account.js';
import { startRadicale } from '../../../tests/servers/radicale.js';
import type { TargetContainer } from '../../contract.js';

const radicale = await startRadicale();
const accountOf = (kind: ItemKind) => davAccount({ url: radicale.url, home: '/anna/', user: 'anna' }, kind);
const account = accountOf('calendar');
const target = account.target();
const WANTED = { path: ['Wörk'], properties: { color: '#ff8800ff', description: 'ours', components: ['VEVENT'] } };

/** What our connectors asked, as `METHOD /path`. */
let asked: string[] = [];
const note = (message: unknown): void => {
  const { request } = message as { request: { method: string; path: string; headers: unknown } };
  if (String(request.headers).includes('drover')) asked.push(`${request.method} ${decodeURIComponent(request.path)}`);
};
const puts = (): string[] => asked.filter((one) => one.startsWith('PUT'));

beforeEach(() => {
  asked = [];
  subscribe('undici:request:create', note);
});
afterEach(async () => {
  unsubscribe('undici:request:create', note);
  await account.close();
});
afterAll(async () => {
  target.close();
  await radicale.stop();
});

const events = (from: number, count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => samples.calendar.plain(from + n));

async function made(): Promise<TargetContainer> {
  await target.place(never);
  return target.ensure(WANTED, never);
}

async function properties() {
  const source = account.source();
  try {
    return (await containerIn(source, WANTED.path)).properties;
  } finally {
    source.close();
  }
}

async function stored(path = WANTED.path): Promise<string[]> {
  return (await account.stored(path)).map((body) => digestOf('calendar', body)).sort();
}

const digests = (bodies: readonly Buffer[]): string[] => bodies.map((body) => digestOf('calendar', body)).sort();

it.each(['calendar', 'contacts'] as const)(
  'stores a batch of %s in one request, each under its own name',
  async (kind) => {
    const there = accountOf(kind);
    const session = there.target();
    await session.place(never);
    const container = await session.ensure({ path: ['Full'] }, never);
    const bodies = Array.from({ length: 40 }, (_, n) => samples[kind].plain(n));
    const answers = await apply(
      session,
      container,
      bodies.map((body, n) => creating(kind, `t${n}`, body)),
    );
    const refs = bodies.map((_, n) => written(answers, `t${n}`).ref as string);
    const back = await all(session.readBack(container, refs, never));
    expect(puts().filter((one) => one !== `PUT ${container.key}`)).toEqual([]);
    expect(back.map(({ digest }) => digest)).toEqual(bodies.map((body) => digestOf(kind, body)));
    expect(back.map(({ version }) => version)).toEqual(bodies.map((_, n) => written(answers, `t${n}`).version));
    session.close();
  },
);

it('gives name, colour, description and kinds of components back to it', async () => {
  const before = await made().then(properties);
  await apply(
    target,
    await target.ensure(WANTED, never),
    events(1, 20).map((body, n) => creating('calendar', `t${n}`, body)),
  );
  expect(puts().at(-1)).toMatch(/\/$/);
  expect(await properties()).toEqual(before);
  expect(before).toMatchObject(WANTED.properties);
});

it('sends what it would lose of by itself', async () => {
  const zoned = [
    'two zones in one event',
    'a series in a zone with exceptions',
    'properties of the whole calendar',
  ].flatMap((name) => oddEvents[name] ?? []);
  // A zone that the server must know by its name: it would write one of its own beside it.
  const named = Buffer.from(
    samples.calendar
      .plain(800)
      .toString()
      .replace(/(DTSTART|DTEND):(\w+)Z/g, '$1;TZID=Europe/Berlin:$2'),
  );
  zoned.push(named);
  expect(zoned.length).toBe(4);
  const bodies = [...events(1, 12), ...zoned];
  const answers = await apply(
    target,
    await made(),
    bodies.map((body, n) => creating('calendar', `t${n}`, body)),
  );
  for (let n = 0; n < bodies.length; n++) written(answers, `t${n}`);
  expect(new Set(puts().filter((one) => one.endsWith('.ics'))).size).toBe(zoned.length);
  expect(await stored()).toEqual(digests(bodies));
});

it('leaves what somebody else put there in the meantime', async () => {
  const container = await made();
  await account.put(WANTED.path, samples.calendar.plain(900));
  const bodies = events(1, 12);
  const answers = await apply(
    target,
    container,
    bodies.map((body, n) => creating('calendar', `t${n}`, body)),
  );
  for (let n = 0; n < bodies.length; n++) written(answers, `t${n}`);
  expect(puts().every((one) => one.endsWith('.ics'))).toBe(true);
  expect(await stored()).toEqual(digests([...bodies, samples.calendar.plain(900)]));
});

it('is done once: what comes later goes by itself', async () => {
  const container = await made();
  await apply(
    target,
    container,
    events(1, 12).map((body, n) => creating('calendar', `t${n}`, body)),
  );
  await apply(
    target,
    container,
    events(50, 12).map((body, n) => creating('calendar', `u${n}`, body)),
  );
  expect(await stored()).toEqual(digests([...events(1, 12), ...events(50, 12)]));
});

it('loses no neighbour of an item that the server refuses', async () => {
  const bad = Buffer.from(
    samples.calendar.plain(5).toString().replace('SUMMARY', 'RDATE;VALUE=PERIOD:20270308T110000Z/PT2H\r\nSUMMARY'),
  );
  const bodies = [...events(10, 12), bad];
  const answers = await apply(
    target,
    await made(),
    bodies.map((body, n) => creating('calendar', `t${n}`, body)),
  );
  expect(answers.get('t12')).toHaveProperty('refused');
  expect(await stored()).toEqual(digests(events(10, 12)));
});

it('does not make one series of two items with the same UID', async () => {
  const bodies = [...events(1, 12), samples.calendar.edited(3)];
  const answers = await apply(
    target,
    await made(),
    bodies.map((body, n) => creating('calendar', `t${n}`, body)),
  );
  // The first of them is stored, as if each had come alone.
  expect([...answers].flatMap(([token, one]) => ('conflicted' in one ? [token] : []))).toEqual(['t12']);
  expect((await stored()).length).toBe(12);
});

it('finds a collection again whose making ended before it got its name back', async () => {
  const container = await made();
  const body = `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//X//EN\r\n${samples.calendar.plain(1).toString().split('\r\n').slice(3, -2).join('\r\n')}\r\nEND:VCALENDAR\r\n`;
  await account.ask('PUT', encodeURI(container.key), { 'content-type': 'text/calendar' }, body);
  const later = account.target();
  await later.place(never);
  const again = await later.ensure(WANTED, never);
  expect(again).toMatchObject({ key: container.key, created: false, items: 1 });
  expect(await properties()).toMatchObject({ color: WANTED.properties.color, description: 'ours' });
  expect(await entries(later.scan(again, async () => new Set(), never))).toHaveLength(1);
  later.close();
});
