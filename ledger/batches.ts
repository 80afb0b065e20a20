/** Intents: what is being written, so that a lost answer can be looked for instead of being sent again. */
import type { JsonObject } from '../connectors/contract.js';
import type { Todo } from './items.js';
import type { Lease } from './leases.js';
import { fenced } from './leases.js';
import type { Ledger, Sql } from './ledger.js';

/** `keep`: a copy in the target is kept beside the source's; it is no item's, and follows from its content. */
export type Op = Todo | 'keep';

/** One write that is about to be made. */
export interface Intent {
  /** The key of its item: unique within the batch. */
  readonly key: string;
  /** Of the content; empty for what carries none. */
  readonly digest: string;
  /** Where it goes, for kinds whose items stand under paths. */
  readonly path?: string | undefined;
  readonly detail?: IntentDetail | undefined;
}

/** What recovery needs to know of a write beside its digest. */
export interface IntentDetail {
  /** The copy that is replaced. */
  readonly ref?: string;
  /** The metadata that was to be written. */
  readonly meta?: JsonObject;
  /** The row under which the copy stood before it was moved. */
  readonly replaces?: Replaced;
}

/** A row whose copy goes on as that of another item. */
export interface Replaced {
  readonly container: number;
  readonly key: string;
  readonly targetKey: string;
  readonly ref: string;
}

export interface BatchRow {
  readonly id: number;
  readonly container: number;
  readonly op: Op;
  readonly anchor: string;
  readonly intents: readonly Intent[];
  /** Its end says nothing about its items: no try is counted. */
  readonly uncounted: boolean;
  /** How long its writes may still land after their sender died, in milliseconds. */
  readonly quietMs: number;
  /** What the target said when it ended; absent after a crash. */
  readonly words?: string | null;
}

/** Commits intents before anything is written. */
export async function openBatch(ledger: Ledger, lease: Lease, batch: Omit<BatchRow, 'id'>): Promise<number> {
  const { intents } = batch;
  return fenced(ledger, lease, async (sql) => {
    const { rows } = await sql.query<{ id: number }>({
      name: 'open-batch',
      text: `insert into batch (container, fence, op, anchor, blameless, quiet_ms, keys, digests, paths, details)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
      values: [
        batch.container,
        lease.fence,
        batch.op,
        batch.anchor,
        batch.uncounted,
        batch.quietMs,
        ...columnsOf(intents),
      ],
    });
    return (rows[0] as { id: number }).id;
  });
}

/** Leaves only these intents in doubt; with none left, the batch ends. Part of the transaction that settles the others. */
export async function leaveInDoubt(sql: Sql, batch: number, intents: readonly Intent[]): Promise<void> {
  if (intents.length === 0) {
    await sql.query({ name: 'end-batch', text: 'delete from batch where id = $1', values: [batch] });
    return;
  }
  await sql.query('update batch set keys = $2, digests = $3, paths = $4, details = $5 where id = $1', [
    batch,
    ...columnsOf(intents),
  ]);
}

function columnsOf(intents: readonly Intent[]): unknown[] {
  return [
    intents.map(({ key }) => key),
    intents.map(({ digest }) => digest),
    intents.some(({ path }) => path !== undefined) ? intents.map(({ path }) => path ?? null) : null,
    JSON.stringify(intents.some(({ detail }) => detail) ? intents.map(({ detail }) => detail ?? {}) : []),
  ];
}

/** Batches of a pairing whose answers were lost, the oldest first. */
export async function openBatches(ledger: Ledger, pairing: number): Promise<BatchRow[]> {
  const { rows } = await ledger.pool.query<
    Omit<BatchRow, 'intents'> & {
      readonly keys: readonly string[];
      readonly digests: readonly string[];
      readonly paths: readonly (string | null)[] | null;
      readonly details: readonly IntentDetail[];
    }
  >(
    `select b.id, b.container, b.op, b.anchor, b.blameless as uncounted, b.quiet_ms as "quietMs", b.words, b.keys, b.digests, b.paths, b.details
     from batch b join container c on c.id = b.container where c.pairing = $1 order by b.id`,
    [pairing],
  );
  return rows.map(({ keys, digests, paths, details, ...batch }) => ({
    ...batch,
    intents: keys.map((key, at) => ({
      key,
      digest: digests[at] as string,
      path: paths?.[at] ?? undefined,
      detail: details[at],
    })),
  }));
}

/**
 * How a batch ended whose answers are missing: what the target said, and whether that says nothing about its items, so
 * that no try of theirs is counted.
 */
export async function noteEnd(
  ledger: Ledger,
  batch: number,
  { words, uncounted }: { readonly words: string | undefined; readonly uncounted: boolean },
): Promise<void> {
  await ledger.pool.query('update batch set words = $2, blameless = blameless or $3 where id = $1', [
    batch,
    words ?? null,
    uncounted,
  ]);
}
