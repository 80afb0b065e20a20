/** What becomes of a body between reading and writing: fitted to the target, refused, or put behind others. */
import type { Fitted } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ItemRow, Settlement } from '../../ledger/items.js';
import type { Slice } from '../slice/slice.js';
import { saidBySource } from './source-notes.js';

/** An item with its content, ready to be written. */
export interface Entry {
  readonly item: ItemRow;
  /** In the form that the target can hold. */
  readonly body: unknown;
  readonly bytes: number;
  readonly digest: string;
  /** What the source could not tell for certain, and what the target cannot hold of it. */
  readonly notes: readonly string[];
  /** What makes it the same as another item, the strongest first. */
  readonly identities: readonly string[];
  /** The UID of the copy it stands for, where that is not its own. */
  readonly uid?: string;
  /** Where it goes, for kinds whose items stand under paths. */
  readonly path?: string;
}

export type Fitting =
  | { readonly entry: Entry }
  | { readonly settled: Settlement }
  /** It waits until items of lower rank have moved. */
  | { readonly rank: number };

export function fitItem(
  slice: Pick<Slice, 'rules' | 'selection' | 'target' | 'account'>,
  item: ItemRow,
  body: unknown,
  told: readonly string[] = [],
): Fitting {
  const { rules, selection, target, account } = slice;
  const left = (outcome: 'refused' | 'skipped', reason: string): Fitting => ({
    settled: { key: item.key, todo: null, outcome, reason },
  });
  const problem = rules.problem(body);
  if (problem !== undefined) return left('refused', problem);
  if (selection.withoutEmail === 'skip' && rules.identities(body, ['email']).length === 0) {
    return left('skipped', 'it has no e-mail address, and the spec skips such contacts');
  }
  const rank = rules.rank(body, account.from);
  if (rank > item.rank) return { rank };
  let held: Fitted<unknown>;
  try {
    // A copy that was there before keeps the UID by which its own system knows it.
    const uid = item.base?.uid;
    const named = typeof uid === 'string' ? rules.named(body, uid) : body;
    held = target.fit?.(named) ?? { body: named };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'refused') throw error;
    return left('refused', error.message);
  }
  return {
    entry: {
      item,
      body: held.body,
      bytes: rules.size(held.body),
      digest: rules.digest(held.body),
      notes: [...saidBySource(told), ...(held.notes ?? [])],
      identities: rules.identities(body, selection.match ?? DEFAULT_MATCH),
      ...(typeof item.base?.uid === 'string' && { uid: item.base.uid }),
    },
  };
}

export const DEFAULT_MATCH = ['uid'] as const;
