/** A listing that is only looked at, gathered in a temporary table so that it can be read in the order of its keys. */
import type { ItemRef } from '../connectors/contract.js';
import type { Ledger } from './ledger.js';

export interface Gathered {
  /** Of a key that is named twice the last one counts. */
  add(entries: readonly ItemRef[]): Promise<void>;
  ascending(): AsyncIterable<readonly ItemRef[]>;
  close(): Promise<void>;
}

const PAGE = 1_000;

/** Holds one of the pool's connections until it is closed. */
export async function openGathered({ pool }: Pick<Ledger, 'pool'>): Promise<Gathered> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  const close = async (): Promise<void> => {
    await client.query('drop table if exists gathered').catch(onError);
    client.off('error', onError);
    client.release(broken);
  };
  try {
    await client.query('create temporary table gathered (key text collate "C" primary key, entry jsonb not null)');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    async add(entries) {
      const last = new Map(entries.map((entry) => [entry.key, JSON.stringify(entry)]));
      await client.query(
        `insert into gathered select key, entry from unnest($1::text[], $2::jsonb[]) as t (key, entry)
         on conflict (key) do update set entry = excluded.entry`,
        [[...last.keys()], [...last.values()]],
      );
    },
    async *ascending() {
      for (let after = ''; ; ) {
        const { rows } = await client.query<{ entry: ItemRef }>(
          'select entry from gathered where key > $1 order by key limit $2',
          [after, PAGE],
        );
        const last = rows.at(-1);
        if (!last) return;
        after = last.entry.key;
        yield rows.map(({ entry }) => entry);
      }
    },
  };
}
