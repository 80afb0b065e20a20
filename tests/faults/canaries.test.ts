/** Secrets and content with known words in them, a run with everything that goes wrong in it, and a search everywhere. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeMigrationId, progressQuery } from '../../workflows/messages.js';
import { large } from '../conformance/odd-messages.js';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
import type { Gatekeeper } from '../servers/gatekeeper.js';
import { startGatekeeper } from '../servers/gatekeeper.js';
import { commandLines, filesBelow, histories, ledgerRows, migrateOn, searchFor } from './canary-search.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';
import { contentsOf, fillMaildir } from './mailboxes.js';

/** As hard to carry and to mask as passwords are: quotes, a backslash, blanks, signs that URLs and base64 change. */
const SECRETS = {
  source: 'Kolibri-7431 "q"\\b/+%&?',
  target: 'Eisvogel-9152 "q"\\b/+%&?',
  refused: 'Zeisig-3867 "q"\\b/+%&?',
};
const CONTENT = { subject: 'Nachtigall-5520', body: 'Rotkehlchen-6143', sender: 'dompfaff-2298' };

let source: Dovecot;
let target: Dovecot;
/** A server that repeats to the client what the client said, as some do in their errors. */
let parrot: Gatekeeper;
let fleet: Fleet;
beforeAll(async () => {
  source = await startDovecot({ users: { anna: SECRETS.source, bert: SECRETS.source } });
  target = await startDovecot({ users: { anna: SECRETS.target, bert: SECRETS.target }, appendLimit: 50_000 });
  parrot = await startGatekeeper(source, ({ verb, bytes }) => {
    if (verb !== 'LOGIN' && verb !== 'AUTHENTICATE') return 'pass';
    const said = bytes.toString().trim();
    const decoded = Buffer.from(said.split(' ').at(-1) ?? '', 'base64')
      .toString('latin1')
      .split('\0')
      .at(-1);
    return { answer: `NO [AUTHENTICATIONFAILED] I do not know ${decoded}, from: ${said.replace(/^\S+ /, '')}` };
  });
  fleet = await startFleet(1, {
    OLD_PASSWORD: SECRETS.source,
    WRONG_PASSWORD: SECRETS.refused,
    DROVER_LOG_LEVEL: 'trace',
    DROVER_SLICE_SECONDS: '2',
  });
});
afterAll(async () => {
  await fleet?.stop();
  await Promise.all([parrot?.stop(), source?.stop(), target?.stop()]);
});

const canariesIn = searchFor([...Object.values(SECRETS), ...Object.values(CONTENT)]);
const migrate = (...argv: string[]): Promise<string> => migrateOn(fleet, ...argv);

const SPEC = () => `
version: 1
name: secretive
sources:
  old: { type: imap, host: 127.0.0.1, port: ${source.port}, tls: none, limits: { itemsPerSecond: 60 },
    auth: { username: "{account}", password: { env: OLD_PASSWORD } } }
  parrot: { type: imap, host: 127.0.0.1, port: ${parrot.port}, tls: none,
    auth: { username: "{account}", password: { env: WRONG_PASSWORD } } }
  changed: { type: imap, host: 127.0.0.1, port: ${source.port}, tls: none,
    auth: { username: "{account}", mechanism: login, password: { env: WRONG_PASSWORD } } }
targets:
  new: { type: imap, host: 127.0.0.1, port: ${target.port}, tls: none,
    auth: { username: "{account}", password: { file: ${fleet.dir}/target-password } } }
selections:
  - { name: mail, kind: mail, from: old, to: new, accounts: [{ from: anna, to: anna }] }
  - { name: parrot, kind: mail, from: parrot, to: new, accounts: [{ from: bert, to: bert }] }
  - { name: changed, kind: mail, from: changed, to: new, accounts: [{ from: bert, to: bert }] }
`;

function secretMail(n: number) {
  const head = `From: ${CONTENT.sender}@example.org\r\nSubject: ${CONTENT.subject} ${n}\r\nMessage-ID: <${n}@${CONTENT.sender}>\r\n`;
  const text = Buffer.from(`${head}\r\n${CONTENT.body}\r\n`);
  // Some are more than the target takes, so that there are refusals to report.
  const bytes = n % 40 === 39 ? Buffer.concat([text, large(60_000)]) : text;
  return { path: n % 2 ? ['INBOX'] : ['Lists'], bytes, flags: [], date: '2020-02-03T04:05:06Z' };
}

it('finds no secret and no content anywhere', async () => {
  expect(canariesIn(`x${Buffer.from(`\0anna\0${SECRETS.source}`).toString('base64')}`), 'the search works').not.toEqual(
    [],
  );
  fillMaildir(
    source,
    'anna',
    Array.from({ length: 200 }, (_, n) => secretMail(n)),
  );
  await writeFile(join(fleet.dir, 'target-password'), `${SECRETS.target}\n`, { mode: 0o600 });
  await writeFile(join(fleet.dir, 'spec.yaml'), SPEC());
  let argv = '';
  const watching = setInterval(() => {
    argv += commandLines();
  }, 300);

  const said = await Promise.all([migrate('doctor', 'spec.yaml'), migrate('plan', 'spec.yaml')]);
  said.push(await migrate('apply', 'spec.yaml'));
  const handle = fleet.client.workflow.getHandle(makeMigrationId('secretive'));
  await aThirdHasArrived();
  const firstLog = await readFile(fleet.workerLog, 'utf8');
  await fleet.replaceWorker(0);
  const watch = migrate('watch', 'secretive');
  while ((await handle.query(progressQuery)).state !== 'waiting') await new Promise((go) => setTimeout(go, 100));
  const looks = [['status'], ['logs'], ['status', '-o', 'json'], ['list']].map(([verb = '', ...rest]) =>
    migrate(verb, ...(verb === 'list' ? [] : ['secretive']), ...rest),
  );
  said.push(...(await Promise.all(looks)), await migrate('cancel', 'secretive'), await watch);
  said.push(
    ...(await Promise.all([
      migrate('report', 'secretive', '--out', 'report'),
      migrate('doctor', 'spec.yaml', '-o', 'json'),
    ])),
  );
  clearInterval(watching);

  // What was meant to happen happened, so there was something to find.
  const ledger = await ledgerRows(fleet);
  const logs = filesBelow(fleet.dir, (path) => path.endsWith('.log'));
  const report = filesBelow(join(fleet.dir, 'report'), () => true);
  const history = await histories(fleet);
  expect((await contentsOf(target, 'anna', SECRETS.target)).length).toBe(195);
  expect(firstLog.length).toBeLessThan(logs.length);
  expect(ledger).toContain('AUTHENTICATIONFAILED');
  expect(ledger).toContain('APPENDLIMIT');
  expect(history).toContain('I do not know');
  expect(report).toMatch(/APPENDLIMIT/);
  expect(argv).toContain('cli/main.js worker');
  const places = { history, ledger, logs, report, argv, said: said.join('\n') };
  const password = new URL(fleet.stack.ledgerUrl).password;
  for (const [place, text] of Object.entries(places)) {
    expect(canariesIn(text), place).toEqual([]);
    expect(text.includes(password), `the ledger's password in ${place}`).toBe(false);
  }
});

async function aThirdHasArrived(): Promise<void> {
  for (;;) {
    const { rows } = await fleet.ledger.pool.query<{ n: number }>(
      'select count(*) as n from item where target_ref is not null',
    );
    if ((rows[0]?.n ?? 0) > 60) return;
    await new Promise((go) => setTimeout(go, 50));
  }
}
