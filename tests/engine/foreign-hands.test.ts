/** What arrived, looked at by clients that share no line with ours: tsdav, and the webdav package. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDAVClient } from 'tsdav';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FileStat } from 'webdav';
import { createClient } from 'webdav';
import type { SystemConfig } from '../../schemas/spec.js';
import { giveAll, startApache } from '../servers/apache.js';
import type { DavServer } from '../servers/dav-server.js';
import { startRadicale } from '../servers/radicale.js';
import { put } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let ledger: LedgerServer;
let radicale: DavServer;
let apache: DavServer;
let dir: string;
let world: World;

beforeAll(async () => {
  [ledger, radicale, apache] = await Promise.all([startLedger(), startRadicale(), startApache({ users: ['anna'] })]);
});
afterAll(() => Promise.all([ledger.stop(), radicale.stop(), apache.stop()]));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-hands-'));
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true });
});

const auth = (user: string) => ({ username: user, password: { env: 'PASSWORD' } });

async function moved(kind: 'files' | 'calendar' | 'contacts', old: SystemConfig, to: SystemConfig, user: string) {
  const accounts = [{ from: user, to: user }];
  world = createWorld(ledger.ledger, { systems: { old, new: to }, selection: { kind, accounts } });
  expect(await world.run()).toMatchObject({ state: 'done' });
}

it('files on Apache, by the webdav package', async () => {
  const files = { 'a/Bericht äöü.txt': 'Grüße', 'a/b/50 % #1?.txt': 'x'.repeat(70_000), 'leer.txt': '' };
  for (const [path, content] of Object.entries(files)) await put(join(dir, 'from'), path, content);
  await mkdir(join(apache.folder, 'anna/hands'));
  await giveAll(join(apache.folder, 'anna/hands'));
  const url = `${apache.url}/anna/hands`;

  await moved('files', folder('from'), { type: 'webdav', options: { url, auth: auth('anna') } }, 'anna');

  const client = createClient(url, { username: 'anna', password: 'secret' });
  const found: Record<string, string> = {};
  const look = async (at: string): Promise<void> => {
    for (const { filename, type } of (await client.getDirectoryContents(at)) as FileStat[]) {
      if (type === 'directory') await look(filename);
      else found[filename.slice(1)] = String(await client.getFileContents(filename, { format: 'text' }));
    }
  };
  await look('/');
  expect(found).toEqual(files);
});

it.each([
  [
    'calendar',
    'anna',
    'caldav',
    'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//X//EN\r\nBEGIN:VEVENT\r\nUID:N\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T100000Z\r\nSUMMARY:Grüße\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
  ],
  ['contacts', 'bert', 'carddav', 'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:N\r\nFN:Jürgen\r\nN:;Jürgen;;;\r\nEND:VCARD\r\n'],
] as const)('%s on Radicale, by tsdav', async (kind, user, type, text) => {
  const names = ['one', 'two', 'three'];
  for (const name of names)
    await put(
      join(dir, 'from'),
      `Team/${name}.${type === 'caldav' ? 'ics' : 'vcf'}`,
      text.replace('UID:N', `UID:${name}`),
    );

  const from: SystemConfig = { type: 'vdir', options: { path: join(dir, 'from') } };
  await moved(kind, from, { type, options: { url: radicale.url, auth: auth(user) } }, user);

  const client = await createDAVClient({
    serverUrl: radicale.url,
    credentials: { username: user, password: 'secret' },
    authMethod: 'Basic',
    defaultAccountType: type,
  });
  const found: string[] = [];
  if (kind === 'calendar') {
    for (const calendar of await client.fetchCalendars())
      for (const { data } of await client.fetchCalendarObjects({ calendar })) found.push(String(data));
  } else {
    for (const addressBook of await client.fetchAddressBooks())
      for (const { data } of await client.fetchVCards({ addressBook })) found.push(String(data));
  }
  expect(found.map((one) => /UID:(\w+)/.exec(one)?.[1]).sort()).toEqual([...names].sort());
  for (const one of found) expect(one).toMatch(/Grüße|Jürgen/);
});

function folder(name: string): SystemConfig {
  return { type: 'folder', options: { path: join(dir, name) } };
}
