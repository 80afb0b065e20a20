/** What the ledger knows of a pairing, for `plan`: read only, and nothing when the pairing is new. */
import type { Kind } from '../connectors/contract.js';
import type { Ledger } from './ledger.js';

export interface Planned {
  /** Versions by key, of items that are not gone from the source; empty when the keys are void. */
  items(containerKey: string, validity: string): Promise<Map<string, string>>;
}

export async function plannedAgainst(ledger: Ledger, source: string, target: string, kind: Kind): Promise<Planned> {
  return {
    async items(containerKey, validity) {
      const { rows } = await ledger.pool.query<{ key: string; version: string }>(
        `select i.key, i.version from item i join container c on c.id = i.container
         join pairing p on p.id = c.pairing join place s on s.id = p.source join place t on t.id = p.target
         where s.proof = $1 and t.proof = $2 and p.kind = $3 and c.key = $4 and c.validity = $5
           and not i.gone and (i.target_ref is not null or i.outcome is not null)`,
        [source, target, kind, containerKey, validity],
      );
      return new Map(rows.map((row) => [row.key, row.version]));
    },
  };
}
