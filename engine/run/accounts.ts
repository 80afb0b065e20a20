/** The accounts a selection covers. */
import { Fault } from '../../connectors/errors.js';
import type { Account, SelectionWithAccounts, Spec } from '../../schemas/spec.js';
import type { Deps } from '../deps.js';

/** Those of the spec, or, for `all`, those the source can list. */
export async function accountsOf(
  deps: Deps,
  spec: Spec,
  selection: SelectionWithAccounts,
  signal: AbortSignal,
): Promise<readonly Account[]> {
  if (selection.accounts !== 'all') return selection.accounts;
  const config = spec.sources[selection.from];
  if (!config) throw new Fault('spec', `the spec has no source "${selection.from}"`);
  const held = await deps.connections.openSource({ config, account: '{account}', kind: selection.kind }, signal);
  try {
    if (!held.session.accounts) {
      throw new Fault('spec', `the source "${selection.from}" cannot list its accounts`, {
        next: 'list them in the spec or a CSV file',
      });
    }
    return (await held.session.accounts(signal)).map((account) => ({ from: account, to: account }));
  } finally {
    await held.done(true);
  }
}
