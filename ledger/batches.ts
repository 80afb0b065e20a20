/** Intents: what is being written, so that a lost answer can be looked for instead of being sent again. */

import type { Settlement, Todo } from './items.js';
import { settleItems } from './items.js';
import type { Lease } from './leases.js';
import { fenced } from './leases.js';
import type { Ledger, Sql } from './ledger.js';

export interface BatchRow {
  readonly id: number;
  readonly container: number;
  readonly op: Todo;
  readonly anchor: string;
  readonly keys: readonly string[];
  readonly digests: readonly string[];
  readonly blameless: boolean;
  /** Where each was to go, for kinds whose items stand under paths; parallel to `keys`. */
  readonly paths?: readonly string[] | null;
}

/** Commits intents before anything is written. Each key names one write; `digests` is parallel to `keys`. */
export async function openBatch(
  ledger: Ledger,
  lease: Lease,
  intent: Omit<BatchRow, 'id' | 'blameless'>,
): Promise<number> {
  return fenced(ledger, lease, async (sql) => {
    const { rows } = await sql.query<{ id: number }>({
      name: 'open-batch',
      text: `insert into batch (container, fence, op, anchor, keys, digests, paths) values ($1, $2, $3, $4, $5, $6, $7) returning id`,
      values: [
        intent.container,
        lease.fence,
        intent.op,
        intent.anchor,
        intent.keys,
        intent.digests,
        intent.paths ?? null,
      ],
    });
    return (rows[0] as { id: number }).id;
  });
}

/**
 * Commits results. Writes of the batch that are not among `settled` stay in doubt; with none left, the batch ends.
 */
export async function settleBatch(
  ledger: Ledger,
  lease: Lease,
  batch: BatchRow,
  settled: readonly Settlement[],
  run: number,
  also: (sql: Sql) => Promise<void> = async () => {},
): Promise<void> {
  await fenced(ledger, lease, async (sql) => {
    await settleItems(sql, batch.container, settled, run);
    await also(sql);
    const answered = new Set(settled.map((s) => s.key));
    const open = batch.keys.flatMap((key, at) =>
      answered.has(key) ? [] : [{ key, digest: batch.digests[at] ?? '', path: batch.paths?.[at] }],
    );
    if (open.length === 0) {
      await sql.query({ name: 'end-batch', text: 'delete from batch where id = $1', values: [batch.id] });
    } else {
      await sql.query('update batch set keys = $2, digests = $3, paths = $4 where id = $1', [
        batch.id,
        open.map((o) => o.key),
        open.map((o) => o.digest),
        batch.paths ? open.map((o) => o.path) : null,
      ]);
    }
  });
}

/** Batches of a pairing whose answers were lost. */
export async function openBatches(ledger: Ledger, pairing: number): Promise<BatchRow[]> {
  const { rows } = await ledger.pool.query<BatchRow>(
    `select b.id, b.container, b.op, b.anchor, b.keys, b.digests, b.blameless, b.paths from batch b
     join container c on c.id = b.container where c.pairing = $1 order by b.id`,
    [pairing],
  );
  return rows;
}

/** Keeps a batch's items from being counted a try: its end says nothing about them. */
export async function excuseBatch(ledger: Ledger, batch: number): Promise<void> {
  await ledger.pool.query('update batch set blameless = true where id = $1', [batch]);
}
