/** What a unit really joins: the places that both sides prove, and the pairing under which their items are remembered. */
import type { Place } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import type { CountedUnit } from '../../ledger/counts.js';
import type { Pairing } from '../../ledger/places.js';
import { ensurePairing } from '../../ledger/places.js';
import type { CalledUnit } from '../../ledger/units.js';
import { bindUnit, overlappingUnit, readCalledUnits } from '../../ledger/units.js';
import type { Selection } from '../../schemas/spec.js';
import { accountName, unitWords } from '../../words/accounts.js';
import type { Deps } from '../deps.js';
import type { Sides } from './both-sides.js';
import type { SliceInput } from './slice.js';

export interface Proven {
  readonly pairing: Pairing;
  /** The other direction's pairing, of a two-way unit. */
  readonly other: number | undefined;
  /** The unit, as it is counted: over all its pairings. */
  readonly unit: CountedUnit;
}

/** Throws `Fault('spec')` when the target lies in the source, or another unit of the run joins the same places. */
export async function provePairing(
  deps: Deps,
  input: SliceInput,
  known: CalledUnit,
  { kind, mode }: Selection,
  { source, target }: Pick<Sides, 'source' | 'target'>,
  signal: AbortSignal,
): Promise<Proven> {
  const { ledger } = deps;
  const from = await source.place(signal);
  const to = await target.place(signal);
  const pairing = await ensurePairing(ledger, from, to, kind);
  const other = mode === 'two-way' ? (await ensurePairing(ledger, to, from, kind)).id : undefined;
  if (kinds[kind].place === 'path') refuseNested(from, to);
  if (!input.back) await refuseOverlap(deps, input, known, pairing);
  if ((input.back ? known.back : known.pairing) !== pairing.id)
    await bindUnit(ledger.pool, input.migration, input.unit, pairing.id, input.back ? 'reverse' : 'forward');
  const pairings = other === undefined ? [pairing.id] : [pairing.id, other];
  return { pairing, other, unit: { migration: input.migration, n: input.unit, pairings } };
}

async function refuseOverlap(deps: Deps, input: SliceInput, known: CalledUnit, pairing: Pairing): Promise<void> {
  const other =
    known.pairing === pairing.id
      ? known.firstOfPairing
      : await overlappingUnit(deps.ledger.pool, input.migration, input.unit, input.run, pairing.id);
  if (other === undefined || other >= input.unit) return;
  const [first] = await readCalledUnits(deps.ledger.pool, input, [other]);
  const both = [first, known].flatMap((unit) => (unit ? unitWords({ ...unit, account: accountName(unit) }) : []));
  throw new Fault('spec', `${both.join(' and ')} move the same account to the same place`, {
    next: 'name each pair of accounts in one selection only',
  });
}

/** A tree that is copied into itself grows with each run. */
export function refuseNested(from: Place, to: Place): void {
  const [outer, inner] = [from, to].map(({ proof }) => (proof.endsWith('/') ? proof : `${proof}/`)) as [string, string];
  if (!inner.startsWith(outer)) return;
  throw new Fault(
    'spec',
    `the target ${to.proof} lies in the source ${from.proof}: each run would copy its own copies`,
    {
      next: 'name another folder as the target',
    },
  );
}
