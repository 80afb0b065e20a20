/** `doctor` and `plan` on two real Dovecots, one with a quota: what does not fit is said before anything is moved. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { doctor } from '../../engine/doctor/doctor.js';
import { plan } from '../../engine/plan/plan.js';
import { specHash } from '../../schemas/hash.js';
import type { SelectionWithAccounts, SystemConfig } from '../../schemas/spec.js';
import type { Check } from '../../words/check.js';
import { fillMaildir } from '../faults/mailboxes.js';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const signal = new AbortController().signal;
const PEOPLE = { anna: 'secret', bela: 'secret', carl: 'secret' };
/** Refusals are not held back, as they are for a client that has met some. */
const AT_ONCE = 'auth_failure_delay = 0\nservice anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}';
let ledger: LedgerServer;
let world: World;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.stop());
afterEach(() => world.close());

const system = ({ host, port }: Pick<Dovecot, 'host' | 'port'>): SystemConfig => ({
  type: 'imap',
  options: { host, port, tls: 'none', auth: { username: '{account}', password: { env: 'PASSWORD' } } },
});

const message = (n: number, bytes: number) => ({
  path: n % 2 ? ['INBOX'] : ['Lists'],
  bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\n`.padEnd(bytes, 'x\r\n')),
  flags: [],
  date: '2020-02-03T04:05:06Z',
});

async function checked(selection: Partial<SelectionWithAccounts> = {}): Promise<Check[]> {
  const selections = world.spec.selections.map((one) => ({ ...one, ...selection }));
  return doctor(world.deps, { spec: { ...world.spec, selections } }, signal);
}

const rooms = (checks: readonly Check[]): Check[] => checks.filter(({ check }) => check === 'room');

describe.each([
  ['a source that sums its folders', {}],
  ['a source that has to be listed', { withoutCapabilities: ['STATUS=SIZE'] }],
])('%s', (_, options) => {
  let source: Dovecot;
  let target: Dovecot;
  beforeAll(async () => {
    source = await startDovecot({ users: PEOPLE, ...options });
    target = await startDovecot({ users: { ...PEOPLE, carl: 'another' }, quota: '*:storage=100K', extra: AT_ONCE });
    fillMaildir(
      source,
      'anna',
      [1, 2, 3].map((n) => message(n, 60_000)),
    );
    fillMaildir(source, 'bela', [message(1, 30_000)]);
    fillMaildir(source, 'carl', [message(1, 30_000)]);
  });
  afterAll(async () => {
    await Promise.all([source?.stop(), target?.stop()]);
  });
  beforeEach(() => {
    const accounts = Object.keys(PEOPLE).map((name) => ({ from: name, to: name }));
    world = createWorld(ledger.ledger, {
      systems: { old: system(source), new: system(target) },
      selection: { accounts },
    });
  });

  it('says who has no room, and who cannot log in', async () => {
    const checks = await checked();
    const failed = checks.filter(({ ok }) => !ok);
    expect(failed.map(({ subject, check, value }) => [subject, check, value])).toEqual([
      [
        'target new',
        'credentials',
        expect.stringMatching(/ refuses the login carl \(password from env PASSWORD\): .*AUTHENTICATIONFAILED/),
      ],
      ['target new', 'room', '180 KB to move, 102 KB free in anna'],
    ]);
    expect(rooms(checks).at(-1)).toMatchObject({ ok: true, value: '30 KB to move for 1 account, and room for it' });
    expect(checks.find(({ subject }) => subject === 'source old')?.value).toMatch(/^3 accounts log in at imap:/);
  });

  it('counts folders that are left out for nothing', async () => {
    const checks = await checked({ exclude: { folders: ['INBOX'] } });
    expect(rooms(checks)).toEqual([
      expect.objectContaining({ ok: true, value: '60 KB to move for 2 accounts, and room for it' }),
    ]);
  });

  it('plans it as a problem', async () => {
    const { spec } = world;
    const { problems } = await plan(world.deps, { spec, specHash: specHash(spec), dryRun: false }, signal, () => {});
    expect(problems.map(({ problem }) => problem)).toContain(
      'the target has room for 102 KB, and 180 KB are to be created',
    );
  });
});
