/** Operations of the ledger with arguments taken by chance, on one small unit of both directions. */
import fc from 'fast-check';
import { bindTarget, markVanished, voidKeys } from '../../ledger/containers.js';
import { foldCounts } from '../../ledger/counts.js';
import type { Settlement } from '../../ledger/items.js';
import {
  countTries,
  forgetItems,
  setRanks,
  settleItems,
  settleUnchanged,
  stageChanges,
  stageItems,
} from '../../ledger/items.js';
import type { Sql } from '../../ledger/ledger.js';
import { linkReverse, renewLinks, requeueReverse, stageReverse, unlinkReverse } from '../../ledger/links.js';
import { markUnlisted } from '../../ledger/listed.js';
import { lookAtConflicts, unskip } from '../../ledger/look-again.js';
import { rebindReferences } from '../../ledger/rebind.js';
import { takeOver } from '../../ledger/recased.js';
import { requeue, verifyAll } from '../../ledger/requeue.js';
import { claimCopies, forgetUnclaimed, writeUnclaimed } from '../../ledger/unclaimed.js';

const FORTH = 1;
const BACK = 2;
const TARGET_PLACE = 2;

/** Two containers of the first direction go into one of the target. For an empty ledger. */
export async function writeSmallUnit(sql: Sql): Promise<void> {
  await sql.query(
    `insert into place (proof, system) values ('old', 'memory'), ('new', 'memory');
     insert into pairing (source, target, kind) values (1, 2, 'files'), (2, 1, 'files');
     insert into spec (hash, name, body) values ('hash', 'acme', '{}');
     insert into migration (name, spec) values ('acme', 'hash');
     insert into unit (migration, n, selection, account_from, account_to, pairing, back, run)
       values ('acme', 1, 'files', 'anna', 'anna', 1, 2, 2);
     insert into container (pairing, key, path, validity, target_key, target_validity)
       values (1, 'A', '{A}', '1', 'a', '1'), (1, 'B', '{B}', '1', 'a', '1');
     insert into run (migration, number, reason, request, spec) values ('acme', 1, 'apply', 'a', 'hash'), ('acme', 2, 'apply', 'b', 'hash')`,
  );
}

/** The unit covers both containers. */
export async function coverSmallUnit(sql: Sql): Promise<void> {
  await sql.query(`insert into survey (container, migration, unit) values (1, 'acme', 1), (2, 'acme', 1)`);
}

/** One operation, and all that it takes. */
export interface Step {
  readonly name: string;
  readonly keys: readonly string[];
  readonly container: number;
  readonly run: number;
  /** Chooses among what else the operation takes. */
  readonly pick: number;
}

function one<T>(from: readonly T[], pick: number, salt: number): T {
  return from[Math.floor(pick / 7 ** salt) % from.length] as T;
}

const DIGESTS = ['00', '01', '02'];
const refOf = (step: Step, key: string): string => `${step.container}-${key}`;

function listed(step: Step) {
  return step.keys.map((key, at) => ({
    key,
    rank: 0,
    version: String(one([1, 2, 3], step.pick, at)),
    bytes: one([0, 10, 20], step.pick, at + 1),
    meta: { type: 'file', modified: '2026-01-01' },
  }));
}

function settlements(step: Step): Settlement[] {
  return step.keys.map((key, at): Settlement => {
    const { pick } = step;
    const outcomes = ['verified', 'arrived', 'unsure', 'refused', 'skipped', 'conflict', 'altered', 'missing'] as const;
    const ref = one([refOf(step, key), refOf(step, key), null, undefined], pick, at);
    const outcome = one([...outcomes, undefined], pick, at + 1);
    const made = one(['created', 'updated', 'moved', 'adopted', undefined] as const, pick, at + 2);
    const proof = one(['scan', 'readback', undefined], pick, at);
    return {
      key,
      todo: one([null, null, 'verify', 'create', 'update', 'move'] as const, pick, at + 2),
      ...(outcome && { outcome }),
      ...(proof && { proof }),
      ...(made && { made }),
      ...(ref !== undefined && { ref }),
      digest: one(DIGESTS, pick, at),
      bytes: one([10, 20], pick, at),
    };
  });
}

function linked(step: Step) {
  return {
    container: { id: 1, key: 'A', path: ['A'], validity: '1', targetKey: 'a', targetPath: ['a'], targetValidity: '1' },
    links: step.keys.map((key, at) => ({
      key,
      version: '1',
      ref: refOf({ ...step, container: one([1, 2], step.pick, at) }, key),
      refVersion: '1',
      digest: one(DIGESTS, step.pick, at),
      bytes: 10,
      uid: undefined,
    })),
  };
}

export const OPERATIONS: Record<string, (sql: Sql, step: Step) => Promise<unknown>> = {
  stage: (sql, s) =>
    stageItems(
      sql,
      s.container,
      listed(s),
      s.run,
      one(['meta', 'content'] as const, s.pick, 1),
      s.keys.map((key) => (key === key.toLowerCase() ? null : key.toLowerCase())),
    ),
  change: (sql, s) =>
    stageChanges(
      sql,
      s.container,
      [
        ...listed(s).map((item) => ({ change: 'upsert' as const, item })),
        ...s.keys.map((key) => ({ change: 'gone' as const, key })),
      ],
      s.run,
      'content',
    ),
  settle: (sql, s) => settleItems(sql, s.container, settlements(s), s.run),
  'count tries': (sql, s) => countTries(sql, s.container, s.keys),
  'settle unchanged': (sql, s) => settleUnchanged(sql, s.container, s.keys),
  'set ranks': (sql, s) =>
    setRanks(
      sql,
      s.container,
      s.keys.map((key) => ({ key, rank: s.pick % 3 })),
    ),
  'look at conflicts': (sql) => lookAtConflicts(sql, { pairing: { id: FORTH }, unit: { migration: 'acme', n: 1 } }),
  unskip: (sql, s) => unskip(sql, s.container),
  forget: (sql, s) => forgetItems(sql, s.container, s.keys),
  'void keys': (sql, s) => voidKeys(sql, s.container, TARGET_PLACE, '2'),
  'mark vanished': (sql, s) => markVanished(sql, FORTH, one([['A'], ['B'], ['A', 'B'], []], s.pick, 1), s.run),
  'mark unlisted': (sql, s) => markUnlisted(sql, s.container, { after: '', to: s.keys[0] }, s.keys.slice(1), s.run),
  link: (sql, s) => linkReverse(sql, BACK, linked(s).container, linked(s).links, s.run),
  'stage back': (sql, s) => stageReverse(sql, BACK, linked(s).container, listed(s), s.run),
  unlink: (sql, s) =>
    unlinkReverse(
      sql,
      BACK,
      'a',
      s.keys.map((key) => refOf(s, key)),
    ),
  'ask back': (sql, s) =>
    requeueReverse(
      sql,
      BACK,
      'a',
      s.keys.map((key) => refOf(s, key)),
      one(['update', 'create'] as const, s.pick, 1),
    ),
  'renew links': (sql, s) =>
    renewLinks(
      sql,
      BACK,
      'a',
      s.keys.map((key) => ({ ref: refOf(s, key), version: '9' })),
    ),
  'ask again': (sql, s) => requeue(sql, 'acme', [1], one(['retry', 'verify'] as const, s.pick, 1)),
  'verify all': (sql, s) => verifyAll(sql, s.container),
  'take over': (sql, s) => takeOver(sql, s.container),
  bind: (sql, s) =>
    bindTarget(sql, s.container, {
      key: one(['a', 'b'], s.pick, 1),
      path: ['a'],
      validity: '1',
      created: false,
      items: 1,
    }),
  rebind: (sql, s) => rebindReferences(sql, s.container, TARGET_PLACE, 'a', s.run),
  find: (sql, s) =>
    writeUnclaimed(
      sql,
      TARGET_PLACE,
      one(['a', 'b'], s.pick, 0),
      s.keys.map((key, at) => ({ ref: refOf(s, key), digest: one(DIGESTS, s.pick, at), bytes: 10, meta: {} })),
      s.run,
    ),
  take: (sql, s) =>
    claimCopies(
      sql,
      TARGET_PLACE,
      'a',
      s.keys.map((key) => refOf(s, key)),
    ),
  'forget found': (sql) => forgetUnclaimed(sql, TARGET_PLACE, 'a'),
  truncate: (sql) => sql.query('truncate item'),
  fold: (sql) => foldCounts(sql, [FORTH, BACK], 0),
};

/** Items are staged and settled most often, so that the others find some. */
export const anyStep: fc.Arbitrary<Step> = fc.record({
  name: fc.oneof(fc.constantFrom('stage', 'settle', 'link', 'find'), fc.constantFrom(...Object.keys(OPERATIONS))),
  keys: fc.uniqueArray(fc.constantFrom('a', 'A', 'b', 'B', 'c'), { minLength: 1 }),
  container: fc.constantFrom(1, 2),
  run: fc.constantFrom(1, 2),
  pick: fc.nat({ max: 1_000_000 }),
});
