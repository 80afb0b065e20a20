/** What servers say and do when they will not: each time the unit waits or goes on, and the rest of the run does too. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Spec } from '../../schemas/spec.js';
import type { Progress } from '../../workflows/messages.js';
import { approveSignal, credentialsSignal, progressQuery, retrySignal } from '../../workflows/messages.js';
import { large, plain } from '../conformance/odd-messages.js';
import type { Migration } from '../e2e/apply-spec.js';
import { applySpec } from '../e2e/apply-spec.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
import type { DovecotOptions } from '../servers/dovecot-config.js';
import type { GuardedCommand, Verdict } from '../servers/gatekeeper.js';
import { startGatekeeper } from '../servers/gatekeeper.js';
import { ImapWitness } from '../servers/imap-witness.js';
import { startProxy } from '../servers/proxy.js';
import type { Stored } from './mailboxes.js';
import { contentsOf, difference, fillMaildir, imapSystem, mailSpec, PASSWORD_VARIABLE } from './mailboxes.js';

let test: TestStack;
beforeAll(async () => {
  process.env[PASSWORD_VARIABLE] = 'secret';
  test = await startTestStack({ DROVER_SLICE_SECONDS: '5' });
});
afterAll(() => test?.stop());

async function dovecot({ onTestFinished }: TestContext, options: DovecotOptions = {}): Promise<Dovecot> {
  const server = await startDovecot(options);
  onTestFinished(() => server.stop());
  return server;
}

async function guarded({ onTestFinished }: TestContext, server: Dovecot, judge: (command: GuardedCommand) => Verdict) {
  const gatekeeper = await startGatekeeper(server, judge);
  onTestFinished(() => gatekeeper.stop());
  return gatekeeper;
}

const apply = (spec: Spec): Promise<Migration> => applySpec(test.client, test.stack.taskQueue, spec);

/** Resolves when the run has nothing left to do but to wait. Fails when it ends instead. */
async function waiting(handle: Migration): Promise<Progress> {
  for (;;) {
    const progress = await handle.query(progressQuery);
    if (progress.state === 'waiting') return progress;
    if (progress.state === 'done') throw new Error(`it did not wait: ${JSON.stringify(progress.last)}`);
    await new Promise((go) => setTimeout(go, 100));
  }
}

const DATE = '2020-02-03T04:05:06+00:00';
const stored = (bytes: Buffer, path: readonly string[] = ['INBOX']): Stored => ({
  path,
  bytes,
  flags: ['\\Seen'],
  date: DATE,
});
const messages = (count: number, path?: readonly string[]): Stored[] =>
  Array.from({ length: count }, (_, n) => stored(plain(`${path?.join('/') ?? ''}${n}`), path));

/** Rewrites the account's password, and waits until the server knows: it looks at its file once a second. */
async function setPassword(server: Dovecot, user: string, password: string): Promise<void> {
  const users = join(server.dir, 'users');
  const line = new RegExp(`^${user}:\\{PLAIN\\}[^:]*`, 'm');
  await writeFile(users, (await readFile(users, 'utf8')).replace(line, `${user}:{PLAIN}${password}`));
  for (;;) {
    try {
      await (await ImapWitness.open(server, user, password)).close();
      return;
    } catch {
      // Not yet.
      await new Promise((go) => setTimeout(go, 100));
    }
  }
}

async function expectSame(source: Dovecot, target: Dovecot, user: string): Promise<void> {
  expect(difference(await contentsOf(source, user), await contentsOf(target, user)), user).toEqual({
    lost: [],
    extra: [],
  });
}

/** Where the person who owns the mailbox looks. */
async function reasons(migration: string): Promise<string[]> {
  const { rows } = await test.ledger.pool.query<{ line: string }>(
    `select i.outcome || ': ' || i.reason as line from item i join container c on c.id = i.container
     join unit u on u.pairing = c.pairing where u.migration = $1 and i.outcome not in ('verified', 'arrived') order by 1`,
    [migration],
  );
  return rows.map((row) => row.line);
}

// Each waits for something most of the time, so they wait together.
describe.concurrent('a server that will not', () => {
  it('waits for room when the target is full, and goes on at a word', async (t) => {
    const source = await dovecot(t);
    const target = await dovecot(t, { quota: '*:messages=30' });
    fillMaildir(source, 'anna', messages(20));
    fillMaildir(source, 'bert', messages(20));
    const old = messages(25, ['Old']);
    fillMaildir(target, 'anna', old);
    const handle = await apply(
      mailSpec('full', imapSystem(source), imapSystem(target), [
        ['anna', 'anna'],
        ['bert', 'bert'],
      ]),
    );
    const { units, gates } = await waiting(handle);
    expect(units).toMatchObject({ done: 1, parked: 1 });
    expect(gates).toMatchObject([{ n: 1, gate: 'quota', reason: expect.stringContaining('OVERQUOTA') }]);

    const hand = await ImapWitness.open(target, 'anna');
    t.onTestFinished(() => hand.close());
    for (let n = 1; n <= 25; n++) await hand.remove(['Old'], String(n));
    await handle.signal(retrySignal, {});

    expect(await handle.result()).toMatchObject({
      state: 'done',
      totals: { verified: 40, failures: 0, duplicates: 0 },
    });
    await expectSame(source, target, 'anna');
    await expectSame(source, target, 'bert');
  });

  it.for([
    ['NO [LIMIT] Rate limit hit, try again in 5 seconds', 5_000],
    ['BAD Request is throttled. Suggested Backoff Time: 4000 milliseconds', 4_000],
  ] as const)('leaves the target alone as long as it asks: %s', async ([answer, ms], t) => {
    const source = await dovecot(t);
    const target = await dovecot(t);
    fillMaildir(source, 'anna', messages(60));
    const appends: number[] = [];
    const gate = await guarded(t, target, ({ verb }) => {
      if (verb !== 'APPEND') return 'pass';
      appends.push(Date.now());
      return appends.length === 1 ? { answer } : 'pass';
    });
    const handle = await apply(mailSpec(`throttled-${ms}`, imapSystem(source), imapSystem(gate), [['anna', 'anna']]));

    expect(await handle.result()).toMatchObject({
      state: 'done',
      totals: { verified: 60, failures: 0, duplicates: 0 },
    });
    await expectSame(source, target, 'anna');
    expect((appends[1] as number) - (appends[0] as number)).toBeGreaterThanOrEqual(ms);
  });

  it('comes through BYE in the middle of APPEND, and through answers that are lost', async (t) => {
    const source = await dovecot(t);
    const target = await dovecot(t);
    fillMaildir(source, 'anna', [...messages(150), ...messages(150), ...messages(100, ['Lists'])]);
    const verdicts: Verdict[] = ['bye', 'mute', 'cut', 'mute'];
    const gate = await guarded(t, target, ({ verb }) => (verb === 'APPEND' ? (verdicts.shift() ?? 'pass') : 'pass'));
    const handle = await apply(mailSpec('bye', imapSystem(source), imapSystem(gate), [['anna', 'anna']]));

    expect(await handle.result()).toMatchObject({
      state: 'done',
      totals: { verified: 400, failures: 0, duplicates: 0 },
    });
    expect(verdicts).toEqual([]);
    await expectSame(source, target, 'anna');
  });

  it('quarantines the message that ends the connection each time, and its neighbours arrive', async (t) => {
    const source = await dovecot(t);
    const target = await dovecot(t);
    const poison = stored(plain('poison-7f3a'));
    fillMaildir(source, 'anna', [...messages(40), poison, ...messages(20, ['Lists'])]);
    const gate = await guarded(t, target, ({ verb, bytes }) =>
      verb === 'APPEND' && bytes.includes('poison-7f3a') ? 'cut' : 'pass',
    );
    const handle = await apply(mailSpec('poison', imapSystem(source), imapSystem(gate), [['anna', 'anna']]));

    expect(await handle.result()).toMatchObject({
      state: 'failed',
      done: 1,
      totals: { items: 61, verified: 60, failures: 1 },
    });
    expect(await reasons('poison')).toEqual([
      expect.stringMatching(/^quarantined: .*in doubt 3 times, the last time alone/),
    ]);
    const { lost, extra } = difference(await contentsOf(source, 'anna'), await contentsOf(target, 'anna'));
    expect([lost.length, extra]).toEqual([1, []]);
  });

  it('parks an account whose password is revoked half-way, and the other goes on', async (t) => {
    const source = await dovecot(t, { extra: 'auth_failure_delay = 0' });
    const target = await dovecot(t);
    fillMaildir(source, 'anna', [...messages(300), ...messages(300, ['Lists'])]);
    fillMaildir(source, 'bert', messages(50));
    const line = await startProxy({ to: source });
    t.onTestFinished(() => line.stop());
    let wrote: () => void = () => {};
    const firstWrite = new Promise<void>((resolve) => {
      wrote = resolve;
    });
    const gate = await guarded(t, target, ({ verb }) => {
      if (verb === 'APPEND') wrote();
      return 'pass';
    });
    const limits = { itemsPerSecond: 100 };
    const handle = await apply(
      mailSpec('revoked', imapSystem(line, { limits }), imapSystem(gate), [
        ['anna', 'anna'],
        ['bert', 'bert'],
      ]),
    );
    await firstWrite;
    await setPassword(source, 'anna', 'other');
    // As a server ends sessions whose password is revoked.
    line.cut();
    const { units, gates } = await waiting(handle);
    expect(units).toMatchObject({ done: 1, parked: 1 });
    expect(gates).toMatchObject([
      { n: 1, gate: 'credentials', reason: expect.stringContaining('AUTHENTICATIONFAILED') },
    ]);

    await setPassword(source, 'anna', 'secret');
    await handle.signal(credentialsSignal, {});

    expect(await handle.result()).toMatchObject({
      state: 'done',
      totals: { verified: 650, failures: 0, duplicates: 0 },
    });
    await expectSame(source, target, 'anna');
    await expectSame(source, target, 'bert');
  });

  it('asks before it goes on when too many messages are refused', async (t) => {
    const source = await dovecot(t);
    const target = await dovecot(t, { appendLimit: 20_000 });
    const big = Array.from({ length: 15 }, (_, n) => stored(large(30_000 + 80 * n)));
    fillMaildir(source, 'anna', [...messages(60), ...big, ...messages(40, ['Lists'])]);
    const handle = await apply(mailSpec('refused', imapSystem(source), imapSystem(target), [['anna', 'anna']]));
    const { gates } = await waiting(handle);
    expect(gates).toMatchObject([{ gate: 'failures', reason: expect.stringMatching(/^15 of 115 items failed/) }]);

    await handle.signal(approveSignal, {});

    expect(await handle.result()).toMatchObject({
      state: 'failed',
      done: 1,
      totals: { verified: 100, failures: 15, duplicates: 0 },
    });
    expect(await reasons('refused')).toEqual(big.map(() => expect.stringMatching(/^refused: .*at most 20000/)));
    const { lost, extra } = difference(await contentsOf(source, 'anna'), await contentsOf(target, 'anna'));
    expect([lost.length, extra]).toEqual([5, []]);
  });

  it('waits for room when the disk of a Maildir is full', async (t) => {
    if (process.getuid?.() !== 0) throw new Error('this test mounts a small disk (tmpfs): run it as root');
    const source = await dovecot(t);
    const target = await dovecot(t);
    fillMaildir(
      source,
      'anna',
      Array.from({ length: 60 }, (_, n) => stored(large(40_000 + 80 * n), n % 2 ? ['INBOX'] : ['Lists'])),
    );
    const disk = await mkdtemp(join(tmpdir(), 'drover-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    t.onTestFinished(async () => {
      execFileSync('umount', [disk]);
      await rm(disk, { recursive: true });
    });
    const path = join(disk, '{account}');
    const handle = await apply(
      mailSpec('disk', imapSystem(source), { type: 'maildir', options: { path } }, [['anna', 'anna']]),
    );
    const { gates } = await waiting(handle);
    expect(gates).toMatchObject([{ gate: 'quota', reason: expect.stringMatching(/no space|ENOSPC/i) }]);

    execFileSync('mount', ['-o', 'remount,size=20m', disk]);
    await handle.signal(retrySignal, {});

    expect(await handle.result()).toMatchObject({
      state: 'done',
      totals: { verified: 60, failures: 0, duplicates: 0 },
    });
    // Dovecot is the independent reader of what was written.
    execFileSync('cp', ['-a', join(disk, 'anna'), join(target.dir, 'mail')]);
    execFileSync('mkdir', ['-p', join(target.dir, 'mail', 'x')]);
    execFileSync('mv', [join(target.dir, 'mail', 'anna'), join(target.dir, 'mail', 'x', 'Maildir')]);
    execFileSync('mv', [join(target.dir, 'mail', 'x'), join(target.dir, 'mail', 'anna')]);
    execFileSync('chown', ['-R', `${target.uid}:${target.gid}`, join(target.dir, 'mail', 'anna')]);
    await expectSame(source, target, 'anna');
  });
});
