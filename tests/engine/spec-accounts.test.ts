/** Specs in the ledger: rules for slices, accounts beside them for who opens a run; and parts of large ones on their way. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../connectors/errors.js';
import { plan } from '../../engine/plan/plan.js';
import { prepare } from '../../engine/run/open-run.js';
import { keepPart } from '../../engine/run/specs.js';
import { pruneByItself } from '../../engine/upkeep/prune.js';
import { readSpec, readWholeSpec, saveSpec } from '../../ledger/specs.js';
import { specHash } from '../../schemas/hash.js';
import type { SpecPart } from '../../schemas/packed-spec.js';
import { PART_BYTES, packSpec } from '../../schemas/packed-spec.js';
import type { Account, Spec } from '../../schemas/spec.js';
import { numbersOf } from '../../words/ranges.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const signal = new AbortController().signal;
let server: LedgerServer;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await world?.close();
  await server.clear();
  world = createWorld(server.ledger);
});

const people = (count: number): Account[] =>
  Array.from({ length: count }, (_, n) => ({ from: `person-${n}@old.example.org`, to: `p.${n}@new.example.org` }));

const withAccounts = (accounts: 'all' | readonly Account[]): Spec => ({
  ...world.spec,
  selections: world.spec.selections.map((selection) => ({ ...selection, accounts })),
});

const open = (spec: Spec) =>
  prepare(world.deps, { name: spec.name, request: { id: 'one', reason: 'apply', specHash: specHash(spec) } }, signal);

const partsLeft = async (): Promise<number> =>
  (await server.ledger.pool.query('select from spec_part')).rowCount ?? Number.NaN;

describe('a spec in the ledger', () => {
  it.each([
    ['a list of accounts', people(3)],
    ['all accounts', 'all' as const],
  ])('with %s is read whole, or without it', async (_, accounts) => {
    const spec = withAccounts(accounts);
    await saveSpec(server.ledger, specHash(spec), spec);

    expect(await readWholeSpec(server.ledger.pool, specHash(spec))).toEqual(spec);
    const { selections } = await readSpec(server.ledger.pool, specHash(spec));
    expect(selections[0]).toMatchObject({ name: 'mail', kind: 'mail' });
    expect(selections[0]).not.toHaveProperty('accounts', people(3));
  });

  it('takes a few kilobytes where a slice reads it, whatever the number of accounts', async () => {
    const spec = withAccounts(people(15_000));
    await saveSpec(server.ledger, specHash(spec), spec);

    expect(JSON.stringify(await readSpec(server.ledger.pool, specHash(spec))).length).toBeLessThan(2_000);
  });
});

describe('parts of a spec', () => {
  it('are the spec once the last one has come, in whatever order, and are then removed', async () => {
    const spec = withAccounts(people(30_000));
    const [first, second, third] = packSpec(spec) as [SpecPart, SpecPart, SpecPart];
    await keepPart(world.deps, third);
    await keepPart(world.deps, first);
    await keepPart(world.deps, third);
    expect(await partsLeft()).toBe(2);
    await expect(open(spec)).rejects.toMatchObject({ code: 'unavailable' } satisfies Partial<Fault>);

    await keepPart(world.deps, second);

    expect(await partsLeft()).toBe(0);
    const { groups, specHash: hash } = await open(spec);
    expect(hash).toBe(specHash(spec));
    expect([...numbersOf(groups[0]?.units ?? [])].length).toBe(30_000);
  });

  it('that come at the same time are put together all the same', async () => {
    const spec = withAccounts(people(30_000));

    await Promise.all(packSpec(spec).map((part) => keepPart(world.deps, part)));

    expect(await readWholeSpec(server.ledger.pool, specHash(spec))).toEqual(spec);
    expect(await partsLeft()).toBe(0);
  });

  it('are enough for a plan', async () => {
    world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <1@x>\r\n\r\nbody') });
    const { selections } = world.spec;
    const map = { folders: { Elsewhere: 'x'.repeat(PART_BYTES) } };
    const spec = { ...world.spec, selections: selections.map((selection) => ({ ...selection, map })) };
    for (const part of packSpec(spec)) await keepPart(world.deps, part);

    const made = await plan(world.deps, { specHash: specHash(spec), dryRun: false }, signal, () => {});

    expect(made).toMatchObject({ name: spec.name, totals: { create: 1 } });
  });

  it('that nobody completed are removed after a day', async () => {
    const [half] = packSpec(withAccounts(people(30_000)));
    await keepPart(world.deps, half as SpecPart);
    await server.ledger.pool.query(`update spec_part set kept_at = now() - interval '25 hours'`);

    await pruneByItself(world.deps, signal);

    expect(await partsLeft()).toBe(0);
  });

  it('that are not those of their hash fail who opens the run, and right ones mend it', async () => {
    const spec = withAccounts(people(15_000));
    const other = packSpec(withAccounts(people(15_001)));
    const wrong = other.map((part) => ({ ...part, hash: specHash(spec) }));
    const fault = { code: 'spec', message: expect.stringContaining('they are not those of its hash') };
    await keepPart(world.deps, wrong[0] as SpecPart);

    await expect(keepPart(world.deps, wrong[1] as SpecPart)).rejects.toMatchObject(fault);
    await expect(open(spec)).rejects.toMatchObject(fault);

    for (const part of packSpec(spec)) await keepPart(world.deps, part).catch(() => {});
    expect((await open(spec)).waiting).toEqual([[1, 15_000]]);
  });

  const bomb = (): SpecPart => {
    const bytes = Buffer.alloc(100 * PART_BYTES);
    const hash = createHash('sha256').update(bytes).digest('hex');
    return { hash, part: 1, of: 1, data: gzipSync(bytes).toString('base64') };
  };
  it.each([
    ['was cut off', (part: SpecPart) => ({ ...part, data: part.data.slice(0, 100) }), 'part 1 of 1 is damaged'],
    ['is no base64', (part: SpecPart) => ({ ...part, data: '%%%%' }), 'part 1 of 1 is damaged'],
    ['is a bomb', bomb, 'part 1 of 1 is damaged'],
    ['has no hash', (part: SpecPart) => ({ ...part, hash: "'; drop table spec" }), 'a part is none of ours'],
    ['is one of thousands', (part: SpecPart) => ({ ...part, of: 5_000 }), 'a part is none of ours'],
    ['has no data', ({ data: _, ...part }: SpecPart) => part as SpecPart, 'a part is none of ours'],
    ['is too long', (part: SpecPart) => ({ ...part, data: 'A'.repeat(3_000_000) }), 'a part is none of ours'],
  ])('are refused when one %s', async (_, spoilt, words) => {
    const [part] = packSpec(withAccounts(people(10)));

    await expect(keepPart(world.deps, spoilt(part as SpecPart))).rejects.toMatchObject({
      code: 'spec',
      message: expect.stringContaining(words),
    });
  });
});
