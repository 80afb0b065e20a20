/** No attendee is mailed: what reaches servers that schedule. */
import { afterEach, expect, it } from 'vitest';
import { apply, never } from '../../../tests/conformance/collect.js';
import { creating, updating } from '../../../tests/conformance/items.js';
import { event, oddEvents } from '../../../tests/conformance/odd-events.js';
import type { ScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { multistatus, resource, startScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { connector } from '../../caldav/index.js';
import type { Access, Target, TargetContainer } from '../../contract.js';
import { kinds } from '../../kinds/kinds.js';
import type { DavOptions } from './options.js';

const invitation = oddEvents['an organiser and attendees'] as Buffer;
const work: TargetContainer = { key: '/h/work/', path: ['Work'], validity: '1', created: false, items: 0 };
const ending: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** A server that says what it is with its DAV header, and keeps what is put. */
async function serve(dav: string): Promise<ScriptedHttp> {
  const held = new Map<string, string>();
  const server = await startScriptedHttp(({ method, path, body, headers }) => {
    if (method === 'OPTIONS') return { status: 200, headers: { dav } };
    if (method === 'PROPFIND' && held.has(path)) return multistatus(resource(path, '<D:getetag>"1"</D:getetag>'));
    if (method === 'PROPFIND') return multistatus(resource(path, '<D:resourcetype><D:collection/></D:resourcetype>'));
    if (method === 'GET')
      return { status: held.has(path) ? 200 : 404, headers: { etag: '"1"' }, body: held.get(path) ?? '' };
    if (method === 'DELETE') return { status: held.delete(path) ? 204 : 404 };
    if (method !== 'PUT') return { status: 501 };
    if (held.has(path) && headers['if-none-match']) return { status: 412 };
    held.set(path, body);
    return { status: 201, headers: { etag: '"1"' } };
  });
  ending.push(() => server.stop());
  return server;
}

function opened(server: ScriptedHttp, more: Partial<DavOptions>): readonly [DavOptions, Access] {
  const auth = { username: 'anna', password: { env: 'X' } };
  return [
    { url: server.url, home: '/h/', auth, ...more },
    { account: 'anna', kind: 'calendar', secret: async () => 'secret' },
  ];
}

async function open(server: ScriptedHttp, more: Partial<DavOptions> = {}): Promise<Target<Buffer>> {
  const target = connector.target(...opened(server, more));
  ending.push(() => target.close());
  await target.place(never);
  return target;
}

const write = async (target: Target<Buffer>, body: Buffer) =>
  (await apply(target, work, [creating('calendar', 't', body)])).get('t');

it('asks a server that schedules to leave it to us', async () => {
  const server = await serve('1, calendar-access, calendar-auto-schedule');
  const target = await open(server);
  expect(await write(target, invitation)).toMatchObject({ token: 't' });
  const put = server.asked.find(({ method }) => method === 'PUT');
  expect(put?.body.match(/SCHEDULE-AGENT=CLIENT/g)?.length).toBe(4);
});

it('says nothing of it when it is read again, in either role', async () => {
  const server = await serve('1, calendar-access, calendar-auto-schedule');
  const target = await open(server);
  const { ref } = (await write(target, invitation)) as { ref: string };
  const source = connector.source(...opened(server, {}));
  ending.push(() => source.close());
  for await (const copy of target.readBack(work, [ref], never)) {
    expect(copy.digest).toBe(kinds.calendar.digest(invitation));
    expect(String(copy.body)).toBe(String(invitation));
  }
  const item = { key: ref, version: '1', bytes: 0, rank: 0, meta: {} };
  for await (const answer of source.read({ key: work.key, path: work.path, validity: '1' }, [item], never)) {
    expect('body' in answer && String(answer.body)).toBe(String(invitation));
  }
});

it('changes nothing where nobody is invited, or the server does not schedule', async () => {
  const scheduling = await serve('1, calendar-access, calendar-auto-schedule');
  await write(await open(scheduling), event(1));
  expect(scheduling.asked.find(({ method }) => method === 'PUT')?.body).toBe(String(event(1)));
  const plain = await serve('1, calendar-access');
  await write(await open(plain), invitation);
  expect(plain.asked.find(({ method }) => method === 'PUT')?.body).toBe(String(invitation));
});

it('does not write to a server that cannot be kept quiet, and says so before', async () => {
  const server = await serve('1, calendar-access, calendar-schedule');
  const target = await open(server);
  const [told] = (await target.describe(never)).filter(({ problem }) => problem !== undefined);
  expect(told?.problem).toContain('scheduling: allow');
  expect(await write(target, invitation)).toMatchObject({
    refused: 't',
    reason: expect.stringContaining('scheduling: allow'),
  });
  expect(server.asked.filter(({ method }) => method === 'PUT')).toEqual([]);
  expect(await write(target, event(1))).toMatchObject({ token: 't' });
});

it('leaves alone what the server would mail about, and goes on with what it wrote itself', async () => {
  const server = await serve('1, calendar-access, calendar-auto-schedule');
  const theirs = `${server.url}/h/work/theirs.ics`;
  await fetch(theirs, { method: 'PUT', body: new Uint8Array(invitation) });
  const target = await open(server);
  const { ref } = (await write(target, invitation)) as { ref: string };
  const before = server.asked.length;
  const edited = Buffer.from(String(invitation).replace('SUMMARY:', 'SUMMARY:New '));
  const update = (of: string) => updating('calendar', of, '1', edited);
  const remove = (of: string) => ({ op: 'remove', token: 'r', ref: of, version: '1' }) as const;
  const first = await apply(target, work, [update('theirs.ics'), remove('theirs.ics')]);
  expect([...first.values()].every((one) => 'refused' in one)).toBe(true);
  expect(server.asked.slice(before).every(({ method }) => method === 'GET')).toBe(true);
  const second = await apply(target, work, [update(ref), remove(ref)]);
  expect([...second.values()].every((one) => 'token' in one)).toBe(true);
});

it('lets the server mail where the spec says so', async () => {
  const server = await serve('1, calendar-access, calendar-schedule');
  const target = await open(server, { scheduling: 'allow' });
  expect((await target.describe(never)).filter(({ problem }) => problem !== undefined)).toEqual([]);
  expect(await write(target, invitation)).toMatchObject({ token: 't' });
  expect(server.asked.find(({ method }) => method === 'PUT')?.body).toBe(String(invitation));
});
