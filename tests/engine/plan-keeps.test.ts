/**
 * What `plan` says is what a run does: over small worlds that change between the runs, whatever is moved, copied, edited,
 * flagged or removed on either side, with filters and without. Twice the same plan, then the run, then nothing to do.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Habits } from '../../connectors/memory/source.js';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import { addTo, removeFrom, setBytes, setFlags } from '../../connectors/memory/store.js';
import { plan } from '../../engine/plan/plan.js';
import { specHash } from '../../schemas/hash.js';
import type { SelectionWithAccounts } from '../../schemas/spec.js';
import type { PlanResult } from '../../words/plan.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

/** The same worlds each time; another seed and more of them look further. */
const SOME = { seed: Number(process.env.PLAN_SEED ?? 13), numRuns: Number(process.env.PLAN_CASES ?? 4) };
const FOLDERS = ['A', 'B', 'C'];
let server: LedgerServer;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const mail = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@old.example>\r\n\r\n${'body '.repeat(n)}\r\n`);
const card = (n: number, note = 0): Buffer =>
  Buffer.from(
    ['BEGIN:VCARD', 'VERSION:3.0', `UID:${n}`, `FN:${n}`, `NOTE:${'x'.repeat(note)}`, 'END:VCARD', ''].join('\r\n'),
  );

interface Step {
  readonly what: 'put' | 'drop' | 'move' | 'change' | 'drop folder' | 'put there' | 'drop there' | 'change there';
  readonly folder: string;
  readonly to: string;
  readonly n: number;
}

const step = (whats: readonly Step['what'][]): fc.Arbitrary<Step> =>
  fc.record({
    what: fc.constantFrom(...whats),
    folder: fc.constantFrom(...FOLDERS),
    to: fc.constantFrom(...FOLDERS),
    n: fc.integer({ min: 1, max: 6 }),
  });

/** One of the messages that a folder holds, if any. */
function pick(account: MemoryAccount, folder: string, n: number): number | undefined {
  const uids = [...account.folder([folder]).messages.keys()];
  return uids[n % Math.max(1, uids.length)];
}

let edits = 0;

function apply({ from, to }: World, kind: 'mail' | 'contacts', { what, folder, to: other, n }: Step): void {
  const account = what.endsWith('there') ? to : from;
  const at = account.folder([folder]);
  const uid = pick(account, folder, n);
  const bytes = kind === 'mail' ? mail(n) : card(n);
  switch (what) {
    case 'put':
    case 'put there':
      addTo(at, { bytes });
      return;
    case 'drop':
    case 'drop there':
      if (uid !== undefined) removeFrom(at, uid);
      return;
    case 'move':
      if (uid !== undefined) addTo(account.folder([other]), removeFrom(at, uid));
      return;
    case 'change':
    case 'change there':
      if (uid === undefined) return;
      if (kind === 'mail') setFlags(at, uid, [['\\Seen'], ['\\Flagged'], []][n % 3] as string[]);
      else
        setBytes(at, uid, card(Number(/UID:(\d+)/.exec(at.messages.get(uid)?.bytes.toString() ?? '')?.[1]), ++edits));
      return;
    case 'drop folder':
      for (const [key, one] of from.folders) if (one === at) from.folders.delete(key);
      return;
    default:
      what satisfies never;
  }
}

/** What the run left in the ledger. */
async function done(world: World, selection: Partial<SelectionWithAccounts>) {
  const closed = await world.run({ selection });
  if (!('totals' in closed)) throw new Error(`the run did not end: ${JSON.stringify(closed)}`);
  const { rows } = await server.ledger.pool.query<{ adopt: number; refuse: number }>(
    `select count(*) filter (where r.id = i.run and i.made = 'adopted' and not i.gone)::int as adopt,
       count(*) filter (where i.outcome in ('refused', 'quarantined'))::int as refuse
     from item i join container c on c.id = i.container join unit u on c.pairing in (u.pairing, u.back), run r
     where u.migration = $1 and r.migration = $1 and r.number = $2`,
    [world.spec.name, closed.run],
  );
  const { created, updated, moved, removed, skipped, conflicts } = closed.totals;
  const counted = { create: created, update: updated, moved, remove: removed, skip: skipped, conflict: conflicts };
  return { ...counted, ...rows[0] };
}

async function keeps(
  kind: 'mail' | 'contacts',
  selection: Partial<SelectionWithAccounts>,
  rounds: readonly (readonly Step[])[],
  habits: Habits = {},
): Promise<void> {
  const world = createWorld(server.ledger, { selection: { kind, ...selection }, habits });
  const planned = async (dryRun: boolean): Promise<PlanResult> => {
    const { spec } = world;
    return plan(world.deps, { spec, specHash: specHash(spec), dryRun }, new AbortController().signal, () => {});
  };
  try {
    for (const steps of rounds) {
      for (const one of steps) apply(world, kind, one);
      const first = await planned(false);
      expect(await planned(false)).toEqual(first);
      const { totals } = await planned(true);
      const { create, adopt, ...rest } = counted(totals);
      const blind = counted(first.totals);
      // Without reading, mail that the target holds already counts as to create.
      expect({ ...blind, create: blind.create + blind.adopt, adopt: 0 }).toEqual({
        ...rest,
        create: create + adopt,
        adopt: 0,
      });
      expect(await done(world, selection)).toEqual({ create, adopt, ...rest });
      const { create: c, update, remove, moved } = (await planned(false)).totals;
      expect({ c, update, remove, moved }).toEqual({ c: 0, update: 0, remove: 0, moved: 0 });
    }
  } finally {
    await world.close();
  }
}

function counted({ create, update, moved, remove, skip, conflict, refuse, adopt }: PlanResult['totals']) {
  return { create, update, moved, remove, skip, conflict, refuse, adopt };
}

const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;
const IGNORE = { deletions: 'ignore' } as const;
const rounds = (whats: readonly Step['what'][]) =>
  fc.array(fc.array(step(whats), { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 2 });

const HERE = ['put', 'put', 'put', 'drop', 'move', 'move', 'change', 'drop folder'] as const;
const EVERYWHERE = [...HERE, 'put there', 'drop there', 'change there'] as const;

describe('mail', () => {
  test.each([
    ['mirrored', MIRROR, {}],
    ['not mirrored', IGNORE, {}],
    ['filtered by size', { ...MIRROR, exclude: { larger: 60 } }, {}],
    ['filtered by sizes that only reading tells', { ...MIRROR, exclude: { larger: 60 } }, { keysOnly: true }],
  ] as const)('%s', async (_, selection, habits) => {
    await fc.assert(
      fc.asyncProperty(rounds([...HERE, 'put there']), (steps) => keeps('mail', selection, steps, habits)),
      SOME,
    );
  });
});

describe('contacts', () => {
  test.each([
    ['mirrored', MIRROR, EVERYWHERE],
    ['not mirrored', IGNORE, EVERYWHERE],
    ['the source wins', { ...MIRROR, onConflict: 'source' }, EVERYWHERE],
    ['both ways', { ...MIRROR, mode: 'two-way' }, [...HERE, 'put there', 'change there']],
  ] as const)('%s', async (_, selection, whats) => {
    await fc.assert(
      fc.asyncProperty(rounds(whats), (steps) => keeps('contacts', selection, steps)),
      SOME,
    );
  });
});
