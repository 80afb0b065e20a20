/** Which systems a spec uses, as what, and for which accounts. */
import type { Kind } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Choice } from '../../schemas/choice.js';
import { choosesAccount, chosenSelections } from '../../schemas/choice.js';
import type { Account, SelectionWithAccounts, Spec, SystemConfig } from '../../schemas/spec.js';
import type { Deps } from '../deps.js';
import { accountsOf } from '../run/accounts.js';
import { refuseChoice } from '../run/whom.js';

/** A selection with the accounts that are tried of it. */
export interface Covered {
  readonly selection: SelectionWithAccounts;
  readonly accounts: readonly Account[];
  /** How many it has. */
  readonly all: number;
  /** Why its accounts cannot be listed. */
  readonly fault?: Fault;
}

/** One way in which the spec uses a system: as what, for which kind, for whom. */
export interface Use {
  readonly subject: string;
  /** The system, as the spec calls it. */
  readonly name: string;
  /** Going both ways, the role that it has only on the way back. */
  readonly reverse: boolean;
  readonly config: SystemConfig;
  readonly role: 'source' | 'target';
  /** Undefined: no selection uses the system. */
  readonly kind?: Kind;
  /** Each once. */
  readonly accounts: readonly string[];
  /** How many there are of these. */
  readonly all: number;
  /** Why the accounts of a selection that uses it cannot be listed. */
  readonly fault?: Fault;
}

/** The accounts of each selection, or so many of them. */
export async function coveredBy(
  deps: Deps,
  spec: Spec,
  { sample, ...choice }: Choice & { readonly sample?: number },
  signal: AbortSignal,
): Promise<Covered[]> {
  refuseChoice(spec, choice);
  const chooses = choosesAccount(choice);
  return Promise.all(
    chosenSelections(spec.selections, choice).map(async (selection): Promise<Covered> => {
      try {
        const accounts = (await accountsOf(deps, spec, selection, signal)).filter(chooses);
        return { selection, accounts: spread(accounts, sample ?? accounts.length), all: accounts.length };
      } catch (fault) {
        signal.throwIfAborted();
        if (!(fault instanceof Fault)) throw fault;
        return { selection, accounts: [], all: 0, fault };
      }
    }),
  );
}

/** So many of a list, evenly spaced, the first among them. */
export function spread<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, n) => list[Math.floor((n * list.length) / most)] as T);
}

/** Every system in each role and for each kind it is used for; going both ways it has both roles. */
export function usesOf(spec: Spec, covered: readonly Covered[]): Use[] {
  return (['source', 'target'] as const).flatMap((side) => {
    const other = side === 'source' ? 'target' : 'source';
    const end = side === 'source' ? 'from' : 'to';
    return Object.entries(side === 'source' ? spec.sources : spec.targets).flatMap(([name, config]): Use[] => {
      const users = covered.filter(({ selection }) => selection[end] === name);
      if (users.length === 0) {
        return [{ subject: `${side} ${name}`, name, reverse: false, config, role: side, accounts: [], all: 0 }];
      }
      const kinds = [...new Set(users.map(({ selection }) => selection.kind))];
      return kinds.flatMap((kind): Use[] => {
        const of = kinds.length > 1 ? `${side} ${name} (${kind})` : `${side} ${name}`;
        const plain = users.filter(({ selection }) => selection.kind === kind);
        const twoWay = plain.filter(({ selection }) => selection.mode === 'two-way');
        const use = { name, config, kind };
        return [
          { ...use, subject: of, reverse: false, role: side, ...whom(plain, end) },
          ...(twoWay.length > 0
            ? [{ ...use, subject: `${of} as ${other}`, reverse: true, role: other, ...whom(twoWay, end) } as const]
            : []),
        ];
      });
    });
  });
}

function whom(users: readonly Covered[], end: 'from' | 'to'): Pick<Use, 'accounts' | 'all' | 'fault'> {
  const accounts = [...new Set(users.flatMap((one) => one.accounts.map((account) => account[end])))];
  const sampled = users.some((one) => one.accounts.length < one.all);
  const fault = users.find((one) => one.fault)?.fault;
  return {
    accounts,
    all: sampled ? users.reduce((sum, one) => sum + one.all, 0) : accounts.length,
    ...(fault && { fault }),
  };
}
