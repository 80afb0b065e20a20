/** Files, passwords and a token with known words in them, servers that repeat all they hear, and a search everywhere. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeMigrationId, progressQuery } from '../../workflows/messages.js';
import { giveAll, startApache } from '../servers/apache.js';
import { reply } from '../servers/dav-behaviours.js';
import type { DavAsked, DavProxy, DavReply } from '../servers/dav-proxy.js';
import { startDavProxy } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import type { Nextcloud } from '../servers/nextcloud.js';
import { startNextcloud } from '../servers/nextcloud.js';
import { commandLines, filesBelow, histories, ledgerRows, migrateOn, searchFor } from './canary-search.js';
import { contentsOf } from './file-world.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';

/** As hard to carry and to mask as passwords are: quotes, a backslash, blanks, signs that URLs and base64 change. */
const SECRETS = {
  source: 'Wiedehopf-7431 "q"\\b/+%&?',
  plain: 'Seidenschwanz-9152 "q"\\b/+%&?',
  cloud: 'Bartmeise-4075 "q"\\b/+%&?',
  token: 'Zaunkoenig-3867 "q"\\b/+%&?',
  query: 'Steinschmaetzer-8814',
};
const CONTENT = {
  small: 'Nachtschwalbe-5520',
  large: 'Trauerschnaepper-6143',
  theirs: 'Gartenrotschwanz-2298',
};
const SMALL = 40;
const MIB = 1024 * 1024;
/** No other file is as long. */
const OTHER = 3 * MIB;

let source: DavServer;
let cloud: Nextcloud;
let toSource: DavProxy;
let toPlain: DavProxy;
let toCloud: DavProxy;
let fleet: Fleet;

/** Behind the proxy all passwords are `secret`; before it they are hard ones. */
async function startGuarded(server: { readonly url: string }, password: string): Promise<DavProxy> {
  const proxy = await startDavProxy(server);
  const asking = ({ headers }: DavAsked): string => loginIn(String(headers.authorization));
  proxy.add({
    when: (asked) => asking(asked).endsWith(`:${password}`),
    ask: ({ headers, ...asked }) => {
      const user = loginIn(String(headers.authorization)).slice(0, -password.length);
      return { ...asked, headers: { ...headers, authorization: basic(`${user}secret`) } };
    },
  });
  return proxy;
}

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;
const loginIn = (authorization: string): string =>
  Buffer.from(authorization.slice('Basic '.length), 'base64').toString();

beforeAll(async () => {
  [source, cloud, fleet] = await Promise.all([
    startApache({ users: ['anna', 'bert', 'carl', 'dora', 'emil'] }),
    startNextcloud(),
    startFleet(1, {
      OLD_PASSWORD: SECRETS.source,
      CLOUD_PASSWORD: SECRETS.cloud,
      TOKEN: SECRETS.token,
      DROVER_LOG_LEVEL: 'trace',
    }),
  ]);
  [toSource, toPlain, toCloud] = await Promise.all([
    startGuarded(source, SECRETS.source),
    startGuarded(source, SECRETS.plain),
    startGuarded(cloud, SECRETS.cloud),
  ]);
});
afterAll(async () => {
  await fleet?.stop();
  await Promise.all([toSource?.stop(), toPlain?.stop(), toCloud?.stop()]);
  await Promise.all([source?.stop(), cloud?.stop()]);
});

const canariesIn = searchFor([...Object.values(SECRETS), ...Object.values(CONTENT)]);
const migrate = (...argv: string[]): Promise<string> => migrateOn(fleet, ...argv);

const SPEC = () => `
version: 1
name: secretive
sources:
  old: { type: webdav, url: "${toSource.url}/{account}/",
    auth: { username: "{account}", password: { env: OLD_PASSWORD } } }
  stale: { type: webdav, url: "${toSource.url}/{account}/", auth: { accessToken: { env: TOKEN } } }
targets:
  plain: { type: webdav, url: "${toPlain.url}/{account}/",
    auth: { username: "{account}", password: { file: "${fleet.dir}/target-password" } } }
  cloud: { type: nextcloud, url: "${toCloud.url}", partBytes: ${8 * MIB}, bulk: without-creation-dates,
    auth: { username: "{account}", password: { env: CLOUD_PASSWORD } } }
selections:
  - { name: cloud, kind: files, from: old, to: cloud, maxFailures: 1, accounts: [{ from: anna, to: anna }] }
  - { name: plain, kind: files, from: old, to: plain, maxFailures: 1, accounts: [{ from: bert, to: dora }] }
  - { name: stale, kind: files, from: stale, to: plain, accounts: [{ from: carl, to: dora }] }
  - { name: moved, kind: files, from: old, to: plain, accounts: [{ from: emil, to: dora }] }
`;

const filled = (word: string, bytes: number): string => `${word} `.repeat(Math.ceil(bytes / (word.length + 1)));

/** Two accounts with the same files; in both targets somebody has put others in the places of two. */
async function fill(): Promise<void> {
  const ours: Record<string, string> = {
    '.htaccess': CONTENT.small,
    'large.txt': filled(CONTENT.large, 17 * MIB),
    'other.txt': filled(CONTENT.large, OTHER),
    'both.txt': filled(CONTENT.large, 2 * MIB),
  };
  for (let n = 0; n < SMALL; n++) ours[`${n % 2 ? '' : 'new/'}${n}.txt`] = `${CONTENT.small} ${n}\n`;
  const theirs = { '7.txt': `${CONTENT.theirs}\n`, 'both.txt': filled(CONTENT.theirs, 2 * MIB) };
  for (const [user, files] of Object.entries({ anna: ours, bert: ours, dora: theirs })) {
    await mkdir(join(source.folder, user, 'new'), { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(source.folder, user, name), content);
  }
  for (const [name, content] of Object.entries(theirs)) await cloud.ask('PUT', name, {}, Buffer.from(content));
  await giveAll(source.folder);
}

/** What a server repeats of a request: some content, and the login in several spellings. */
function overheard({ headers }: DavAsked, body: Buffer): { readonly content: string; readonly login: string } {
  const sent = String(headers.authorization);
  const login = sent.startsWith('Basic ') ? loginIn(sent) : sent.slice('Bearer '.length);
  const secret = login.slice(login.indexOf(':') + 1);
  const at = Math.max(0, ...Object.values(CONTENT).map((word) => body.indexOf(word)));
  return {
    content: body.subarray(at, at + 22).toString(),
    login: `${secret} ${encodeURIComponent(secret)} ${sent}`,
  };
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** In which words; messages keep the first 200 characters of them. */
const WORDS = {
  text: (content: string, login: string): string => `no: ${content} ${login}`,
  json: (content: string, login: string): string =>
    JSON.stringify({ error: 'no', body: Buffer.from(content).toString('base64'), content, login }),
  page: (content: string, login: string): string => `<!doctype html><title>No</title><pre>${content} ${login}</pre>`,
  dav: (content: string, login: string): string =>
    `<?xml version="1.0"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>No</s:exception>` +
    `<s:message>no: ${escaped(`${content} ${login}`)}</s:message></d:error>`,
  /** Cut off within the password, and within the base64 of it. */
  longer: (_: string, login: string): string => `${'no '.repeat(60)} ${login}`,
  longest: (_: string, login: string): string => `${'no '.repeat(52)} ${login.slice(login.lastIndexOf('Basic '))}`,
} as const;
type Manner = keyof typeof WORDS;

function parrot(status: number, manner: Manner, asked: DavAsked, body: Buffer): DavReply {
  const { content, login } = overheard(asked, body);
  return reply(status, { 'content-type': 'text/plain' }, WORDS[manner](content, login));
}

type When = (asked: DavAsked) => boolean;

const asks =
  (method: string, end: string): When =>
  ({ method: asked, path, headers }) =>
    asked === method && (method === 'MOVE' ? String(headers.destination) : path).endsWith(end);
const chunk =
  (n: number): When =>
  ({ method, path }) =>
    method === 'PUT' && path.includes('/uploads/') && path.endsWith(`/0000${n}`);

/** The content alone, without a head. */
const babbles = (response: ServerResponse, { body }: DavReply): void => void response.socket?.end(body);

/** What goes wrong on the way, each time with all that was heard. */
function goWrong(): Record<string, { readonly used: number }> {
  const answers = (proxy: DavProxy, status: number, manner: Manner, when: When, times = 1) =>
    proxy.add({ when, times, answer: ({ body }, asked) => parrot(status, manner, asked, body) });
  const replies = (proxy: DavProxy, status: number, manner: Manner, when: When, times = Infinity) =>
    proxy.add({ when, times, reply: (asked) => parrot(status, manner, asked, asked.body) });
  const other = filled(CONTENT.large, OTHER).length;
  const elsewhere = reply(302, { location: `https://anna:${SECRETS.query}@elsewhere.invalid/?sig=${SECRETS.query}` });
  return {
    token: replies(toSource, 401, 'text', ({ path }) => path.startsWith('/carl/')),
    redirect: toSource.add({ when: ({ path }) => path.startsWith('/emil/'), reply: () => elsewhere }),
    listing: replies(toSource, 500, 'text', asks('PROPFIND', '/bert/'), 1),
    'small file': answers(toSource, 500, 'text', asks('GET', '/bert/3.txt')),
    'large file': toSource.add({ when: asks('GET', '/bert/large.txt'), times: 1, cut: 'within' }),
    'unreadable file': answers(toSource, 403, 'json', asks('GET', '/5.txt'), Infinity),
    'file without a head': toSource.add({ when: asks('GET', '/anna/9.txt'), times: 1, serve: babbles }),
    'plain: text': replies(toPlain, 403, 'text', asks('PUT', '/11.txt')),
    'plain: DAV': replies(toPlain, 403, 'dav', asks('PUT', '/13.txt')),
    'plain: cut password': replies(toPlain, 403, 'longer', asks('PUT', '/15.txt')),
    'plain: cut login': replies(toPlain, 403, 'longest', asks('PUT', '/17.txt')),
    'plain: page': replies(toPlain, 403, 'page', asks('PUT', '/19.txt')),
    'plain: large file': replies(toPlain, 403, 'text', ({ body }) => body.length === other),
    'plain: last step': replies(toPlain, 504, 'text', asks('MOVE', '/large.txt'), 1),
    'plain: what stands there': answers(toPlain, 500, 'text', asks('GET', '/7.txt')),
    'cloud: small file': replies(toCloud, 400, 'dav', asks('PUT', '/21.txt')),
    'cloud: many files': replies(toCloud, 500, 'json', asks('POST', '/bulk'), 1),
    'cloud: chunk': replies(toCloud, 500, 'dav', chunk(1), 1),
    'cloud: last step': replies(toCloud, 400, 'text', asks('MOVE', '/other.txt')),
  };
}

/** Resolves once the condition holds; fails with the name of what was waited for. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + WAIT_MS; !(await holds()); await new Promise((go) => setTimeout(go, 100))) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
  }
}
const WAIT_MS = 50_000;

/** Kills the worker while the last chunk of a large file is on its way; returns what lay about at that moment. */
async function killWithinUpload(apply: () => Promise<void>): Promise<string> {
  let release = (): void => {};
  const released = new Promise<void>((go) => {
    release = go;
  });
  const last = toCloud.add({ when: chunk(3), times: 1, meanwhile: () => released });
  try {
    await apply();
    await until('the last chunk on its way, and one in the ledger', async () => {
      const { rows } = await fleet.ledger.pool.query('select 1 from upload_part limit 1');
      return last.used > 0 && rows.length > 0;
    });
    return `${await ledgerRows(fleet)}\n${await histories(fleet)}`;
  } finally {
    await fleet.replaceWorker(0);
    release();
  }
}

it('finds no secret and no content anywhere', async () => {
  expect(canariesIn(`x${basic(`anna:${SECRETS.source}`)}`), 'the search works').not.toEqual([]);
  await fill();
  await writeFile(join(fleet.dir, 'target-password'), `${SECRETS.plain}\n`, { mode: 0o600 });
  await writeFile(join(fleet.dir, 'spec.yaml'), SPEC());
  let argv = '';
  const watching = setInterval(() => {
    argv += commandLines();
  }, 300);
  const wrong = goWrong();
  const said: string[] = [];

  const midway = await killWithinUpload(async () => {
    said.push(await migrate('apply', 'spec.yaml'));
    expect(said[0]).toContain('exit code 0');
  });
  const firstLog = await readFile(fleet.workerLog, 'utf8');
  const watch = migrate('watch', 'secretive');
  const handle = fleet.client.workflow.getHandle(makeMigrationId('secretive'));
  await until('all units', async () => (await handle.query(progressQuery)).state === 'waiting');
  said.push(...(await Promise.all([migrate('status', 'secretive', '-o', 'json'), migrate('logs', 'secretive')])));
  said.push(await migrate('cancel', 'secretive'), await watch);
  const later = [
    ['report', 'secretive', '--out', 'report'],
    ['plan', 'spec.yaml'],
    ['doctor', 'spec.yaml'],
  ];
  said.push(...(await Promise.all(later.map((words) => migrate(...words)))));
  clearInterval(watching);

  const ledger = await ledgerRows(fleet);
  const logs = filesBelow(fleet.dir, (path) => path.endsWith('.log'));
  const report = filesBelow(join(fleet.dir, 'report'), () => true);
  const history = await histories(fleet);
  // What was meant to happen happened, so there was something to find.
  expect(Object.keys(wrong).filter((name) => wrong[name]?.used === 0)).toEqual([]);
  const [ours, plain] = await Promise.all(['bert', 'dora'].map((user) => contentsOf(join(source.folder, user))));
  const others = Object.keys(ours ?? {}).filter((path) => ours?.[path] !== plain?.[path]);
  expect(others.sort()).toEqual([
    '11.txt',
    '13.txt',
    '15.txt',
    '17.txt',
    '19.txt',
    '5.txt',
    '7.txt',
    'both.txt',
    'other.txt',
  ]);
  const inCloud = await cloud.list('');
  const missing = Object.keys(ours ?? {}).filter((path) => !inCloud.includes(path));
  expect(missing.sort()).toEqual(['.htaccess', '21.txt', '5.txt', 'other.txt']);
  expect(firstLog.length).toBeLessThan(logs.length);
  expect(midway).toContain('the server answered 500');
  for (const text of [ledger, report]) expect(text).toContain('the server answered 403');
  for (const text of [ledger, history]) expect(text).toContain('the server answered 401');
  expect(said.join()).toContain('elsewhere.invalid');
  expect(argv).toContain('cli/main.js worker');
  const places = { midway, history, ledger, logs, report, argv, said: said.join('\n') };
  const password = new URL(fleet.stack.ledgerUrl).password;
  const found = Object.entries(places).flatMap(([place, text]) =>
    [...new Set(canariesIn(text)), ...(text.includes(password) ? ['the password of the ledger'] : [])].map(
      (canary) => `${place}: ${canary}`,
    ),
  );
  expect(found).toEqual([]);
});
