/** What `doctor` says of the accounts of a spec, and that a system which is away costs it no more than one attempt. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import { doctor } from '../../engine/doctor/doctor.js';
import { within } from '../../engine/doctor/try-account.js';
import type { Account, Limits, SelectionWithAccounts, SystemConfig } from '../../schemas/spec.js';
import type { Check, DoctorInput, DoctorProgress } from '../../words/check.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

const signal = new AbortController().signal;
let server: LedgerServer;
let world: World;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
afterEach(() => world.close());

const same = (...names: string[]): Account[] => names.map((name) => ({ from: name, to: name }));

function begin(
  accounts: readonly Account[],
  options: Pick<WorldOptions, 'connectors'> & {
    readonly limits?: Limits;
    readonly selection?: Partial<SelectionWithAccounts>;
  } = {},
): void {
  const { selection, ...more } = options;
  world = createWorld(server.ledger, { ...more, selection: { accounts, ...selection } });
}

async function checked(input: Partial<DoctorInput> = {}, progress?: (at: DoctorProgress) => void): Promise<Check[]> {
  return doctor(world.deps, { spec: world.spec, ...input }, signal, progress);
}

const of = (checks: readonly Check[], subject: string, check?: string): Check[] =>
  checks.filter((one) => one.subject === subject && (check === undefined || one.check === check));

const message = (bytes: number): { bytes: Buffer } => ({
  bytes: Buffer.from(`Message-ID: <${bytes}@x>\r\n\r\n`.padEnd(bytes, 'x')),
});

/** Memory systems of which each session is counted, and which may be away as a whole. */
function watched(
  away: (account: string, role: 'source' | 'target') => Fault | Promise<undefined> | undefined = () => undefined,
  disk?: number,
): {
  readonly connectors: Readonly<Record<string, Registration>>;
  readonly opened: string[];
  /** How long the connectors may take to connect. */
  readonly patience: ReadonlySet<number | undefined>;
} {
  const opened: string[] = [];
  const patience = new Set<number | undefined>();
  const memory = connectors.memory as Registration;
  const load: Registration['load'] = async () => {
    const loaded = await memory.load();
    const wrap =
      (role: 'source' | 'target') =>
      // biome-ignore lint/suspicious/noExplicitAny: the same for both roles
      (options: any, access: any): any => {
        const session = loaded[role]?.(options, access);
        return {
          ...session,
          ...(disk && role === 'target' && { room: async () => ({ bytes: disk, disk: 'disk 1' }) }),
          async place(asked: AbortSignal) {
            opened.push(`${role} ${access.account}`);
            patience.add(access.patienceMs);
            const fault = await away(access.account, role);
            if (fault) throw fault;
            return session?.place(asked);
          },
        };
      };
    return { source: wrap('source'), target: wrap('target') };
  };
  return { connectors: { ...connectors, memory: { ...memory, load } }, opened, patience };
}

describe('logins', () => {
  test('every account is tried on both sides; what is well is one line', async () => {
    const { connectors, opened, patience } = watched();
    begin(same('anna', 'bela', 'carl'), { connectors });
    const checks = await checked();
    // Who gives up first can say what it waited for.
    expect([...patience]).toEqual([8_000]);
    expect(new Set(opened)).toEqual(
      new Set(['anna', 'bela', 'carl'].flatMap((name) => [`source ${name}`, `target ${name}`])),
    );
    const [line] = of(checks, 'source old', 'credentials');
    expect(line).toMatchObject({ ok: true, value: expect.stringMatching(/^3 accounts log in at memory:/) });
    expect(checks.every(({ ok }) => ok)).toBe(true);
  });

  test('what fails for the same cause is said once, with the names', async () => {
    begin(same('anna', 'bela', 'carl', 'dora'));
    for (const name of ['anna', 'carl']) world.source.account(name).locked = 'password expired';
    world.source.account('dora').locked = 'no such user dora';
    const checks = await checked();
    expect(of(checks, 'source old', 'credentials')).toEqual([
      expect.objectContaining({ ok: true, value: expect.stringMatching(/^1 account logs in/) }),
      {
        subject: 'source old',
        check: 'credentials',
        ok: false,
        value: '2 accounts: memory: password expired',
        fix: 'unlock the account',
        accounts: [{ account: 'anna' }, { account: 'carl' }],
      },
      expect.objectContaining({ value: 'memory: no such user dora', accounts: [{ account: 'dora' }] }),
    ]);
  });

  test('a sample is spread evenly, and says that it is one', async () => {
    const { connectors, opened } = watched();
    const names = Array.from({ length: 9 }, (_, n) => `user${n}`);
    begin(same(...names), { connectors });
    const checks = await checked({ sample: 3 });
    expect([...new Set(opened)].sort()).toEqual(
      ['source', 'target'].flatMap((role) => [`${role} user0`, `${role} user3`, `${role} user6`]),
    );
    expect(of(checks, 'source old', 'credentials')[0]?.value).toMatch(
      /^3 of 3 accounts tried log in .* \(a sample of 9\)$/,
    );
  });

  test('the limits of the spec hold, and so many are tried at once', async () => {
    let most = 0;
    let waiting: (() => void)[] = [];
    // Each but the first waits for another: one alone would wait for ever.
    const inPairs = (account: string, role: string): Promise<undefined> | undefined => {
      if (role === 'source' || account === 'a') return undefined;
      return new Promise((go) => {
        waiting.push(() => go(undefined));
        most = Math.max(most, waiting.length);
        if (waiting.length < 2) return;
        for (const let_ of waiting) let_();
        waiting = [];
      });
    };
    const { connectors } = watched(inPairs);
    begin(same('a', 'b', 'c', 'd', 'e'), { connectors, limits: { connections: 2 } });
    const checks = await checked();
    expect(of(checks, 'target new', 'credentials')[0]?.value).toMatch(/^5 accounts log in/);
    expect(most).toBe(2);
  });

  test('says how far it is', async () => {
    begin(same('anna', 'bela'));
    const seen: DoctorProgress[] = [];
    await checked({}, (at) => seen.push(at));
    expect(seen[0]).toEqual({ tried: 0, of: 4 });
    expect(seen.at(-1)).toEqual({ tried: 4, of: 4 });
  });
});

test('a host for each account: one that is away says nothing of the others', async () => {
  const away = new Fault('unavailable', 'nothing listens there', { systemWide: true });
  const { connectors, opened } = watched((account, role) =>
    role === 'source' && account === 'anna' ? away : undefined,
  );
  begin(same('anna', 'bela', 'carl'), { connectors });
  const old = world.spec.sources.old as SystemConfig;
  const own: SystemConfig = { ...old, options: { ...old.options, url: 'https://{account}.example' } };
  const checks = await checked({ spec: { ...world.spec, sources: { old: own } } });
  expect(opened.filter((one) => one.startsWith('source'))).toHaveLength(3);
  expect(of(checks, 'source old', 'reachable')).toMatchObject([{ accounts: [{ account: 'anna' }] }]);
});

describe('a system that is away', () => {
  const refused = (): Fault =>
    new Fault('unavailable', 'nothing listens at old.example:993', { next: 'check port', systemWide: true });

  test('is tried once, whatever its accounts, and the other side is checked all the same', async () => {
    const { connectors, opened } = watched((_, role) => (role === 'source' ? refused() : undefined));
    const names = Array.from({ length: 200 }, (_, n) => `user${n}`);
    begin(same(...names), { connectors });
    const seen: DoctorProgress[] = [];
    const checks = await checked({}, (at) => seen.push(at));
    expect(opened.filter((one) => one.startsWith('source'))).toEqual(['source user0']);
    expect(of(checks, 'source old')).toEqual([
      {
        subject: 'source old',
        check: 'reachable',
        ok: false,
        value: 'nothing listens at old.example:993; its other 199 accounts were not tried',
        fix: 'check port',
      },
    ]);
    expect(of(checks, 'target new', 'credentials')[0]?.value).toMatch(/^200 accounts log in/);
    expect(seen.at(-1)).toEqual({ tried: 400, of: 400 });
  });

  test('also when it goes away in the middle', async () => {
    const away = (account: string) => (account === 'a' ? undefined : new Fault('unavailable', `${account}: 503`));
    const { connectors, opened } = watched((account, role) => (role === 'target' ? away(account) : undefined));
    begin(same(...'abcdefghijklmnop'), { connectors, limits: { connections: 1 } });
    const checks = await checked();
    expect(opened.filter((one) => one.startsWith('target'))).toHaveLength(4);
    expect(of(checks, 'target new', 'reachable')[0]?.value).toMatch(/its other 12 accounts were not tried$/);
  });

  test('nobody is locked out: after ten refused logins in a row the others are let be', async () => {
    const refused = () => new Fault('credentials', 'old refuses the login {account}', { refusedLogin: true });
    const { connectors, opened } = watched((_, role) => (role === 'target' ? refused() : undefined));
    begin(same(...Array.from({ length: 40 }, (_, n) => `user${n}`)), { connectors, limits: { connections: 1 } });
    const checks = of(await checked(), 'target new');
    expect(opened.filter((one) => one.startsWith('target'))).toHaveLength(10);
    expect(checks.map(({ check, value }) => [check, value])).toEqual([
      ['credentials', expect.stringMatching(/^30 accounts not tried: one login after the other was refused/)],
      ['credentials', '10 accounts: old refuses the login {account}'],
    ]);
  });

  test('what does not answer is given up at the deadline, whether it heeds its signal or not', async () => {
    begin(same('anna'));
    await expect(within(20, signal, () => new Promise(() => {}))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'no answer within 0 s',
    });
  });
});

describe('room', () => {
  test('what is to be moved is compared with what fits, account by account', async () => {
    begin(same('anna', 'bela', 'carl'));
    for (const name of ['anna', 'bela', 'carl']) world.source.account(name).put(['INBOX'], message(9_800));
    world.target.account('anna').quotaBytes = 5_000;
    world.target.account('bela').quotaBytes = 1_000;
    world.target.account('carl').quotaBytes = 50_000;
    const checks = await checked();
    expect(of(checks, 'target new', 'room')).toEqual([
      {
        subject: 'target new',
        check: 'room',
        ok: false,
        value: '2 accounts without room for what is to be moved',
        fix: expect.stringContaining('raised'),
        accounts: [
          { account: 'anna', value: '9.8 KB to move, 5.0 KB free' },
          { account: 'bela', value: '9.8 KB to move, 1.0 KB free' },
        ],
      },
      expect.objectContaining({ ok: true, value: '9.8 KB to move for 1 account, and room for it' }),
    ]);
  });

  test('one account says itself what does not fit', async () => {
    begin(same('anna'));
    world.from.put(['INBOX'], message(9_800));
    world.to.quotaBytes = 5_000;
    const [line] = of(await checked(), 'target new', 'room');
    expect(line).toMatchObject({ ok: false, value: '9.8 KB to move, 5.0 KB free in anna' });
  });

  test('what a filter leaves out, and what has arrived before, needs no room', async () => {
    begin(same('anna'), { selection: { exclude: { folders: ['Old'], larger: 9_000 } } });
    world.from.put(['INBOX'], message(2_000));
    world.from.put(['INBOX'], message(10_000));
    world.from.put(['Old'], message(3_000));
    world.to.quotaBytes = 1_000_000;
    expect(of(await checked(), 'target new', 'room')[0]?.value).toBe('2.0 KB to move, and room for it');
    await world.run();
    expect(of(await checked(), 'target new', 'room')[0]?.value).toBe('0 bytes to move, and room for it');
  });

  test('accounts on one disk share its room', async () => {
    const { connectors } = watched(() => undefined, 5_000);
    begin(same('anna', 'bela'), { connectors });
    for (const name of ['anna', 'bela']) world.source.account(name).put(['INBOX'], message(3_000));
    const [line] = of(await checked(), 'target new', 'room');
    expect(line).toMatchObject({ ok: false, value: '6.0 KB to move, 5.0 KB free on the disk of 2 accounts' });
  });

  test('several accounts that go into one are added up', async () => {
    begin([
      { from: 'anna', to: 'all' },
      { from: 'bela', to: 'all' },
    ]);
    for (const name of ['anna', 'bela']) world.source.account(name).put(['INBOX'], message(3_000));
    world.target.account('all').quotaBytes = 5_000;
    const [line] = of(await checked(), 'target new', 'room');
    expect(line).toMatchObject({ ok: false, value: '6.0 KB to move, 5.0 KB free in all' });
  });
});
