/** Doctor: checks what only the worker can see: the ledger, the secrets and each system's abilities. */
import type { Kind } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import type { SelectionWithAccounts, Spec, SystemConfig } from '../schemas/spec.js';
import type { Check, DoctorInput } from '../words/check.js';
import type { Deps } from './deps.js';
import { accountsOf } from './run/accounts.js';

export async function doctor(deps: Deps, input: DoctorInput, signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = [await checkLedger(deps)];
  if (!input.spec) return checks;
  for (const use of usesOf(input.spec)) checks.push(...(await checkUse(deps, input.spec, use, signal)));
  return checks;
}

async function checkLedger(deps: Deps): Promise<Check> {
  const started = performance.now();
  const { rows } = await deps.ledger.pool.query<{ version: number; server: string }>(
    `select max(version) as version, current_setting('server_version') as server from ledger_version`,
  );
  const value = `PostgreSQL ${rows[0]?.server}, ledger version ${rows[0]?.version}, answered in ${Math.round(performance.now() - started)} ms`;
  return { subject: 'ledger', check: 'reachable', ok: true, value };
}

/** One way in which the spec uses a system: as what, for which kind. */
interface Use {
  readonly subject: string;
  readonly config: SystemConfig;
  readonly role: 'source' | 'target';
  /** The first selection that uses it so, and which of its accounts is opened; undefined: none does. */
  readonly asked?: { readonly selection: SelectionWithAccounts; readonly account: 'from' | 'to' };
}

/** Every system in each role and for each kind it is used for; going both ways it has both roles. */
function usesOf(spec: Spec): Use[] {
  return (['source', 'target'] as const).flatMap((side) => {
    const other = side === 'source' ? 'target' : 'source';
    const account = side === 'source' ? 'from' : 'to';
    return Object.entries(side === 'source' ? spec.sources : spec.targets).flatMap(([name, config]): Use[] => {
      const users = spec.selections.filter((selection) => selection[account] === name);
      if (users.length === 0) return [{ subject: `${side} ${name}`, config, role: side }];
      const kinds = [...new Set(users.map((selection) => selection.kind))];
      return kinds.flatMap((kind): Use[] => {
        const of = kinds.length > 1 ? `${side} ${name} (${kind})` : `${side} ${name}`;
        const plain = users.find((selection) => selection.kind === kind) as SelectionWithAccounts;
        const twoWay = users.find((selection) => selection.kind === kind && selection.mode === 'two-way');
        return [
          { subject: of, config, role: side, asked: { selection: plain, account } },
          ...(twoWay
            ? [{ subject: `${of} as ${other}`, config, role: other, asked: { selection: twoWay, account } } as const]
            : []),
        ];
      });
    });
  });
}

/** Tries the first account of the selection that uses the system. */
async function checkUse(deps: Deps, spec: Spec, use: Use, signal: AbortSignal): Promise<Check[]> {
  const { subject, asked } = use;
  if (!asked) return [{ subject, check: 'used', ok: true, value: 'no selection uses it' }];
  const checks: Check[] = [];
  try {
    const account = (await accountsOf(deps, spec, asked.selection, signal))[0];
    if (!account)
      return [{ subject, check: 'accounts', ok: false, value: 'none', fix: 'the selection covers no account' }];
    checks.push(...(await checkAccount(deps, use, account[asked.account], asked.selection.kind, signal)));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    checks.push({
      subject,
      check: error.code === 'credentials' ? 'credentials' : 'reachable',
      ok: false,
      value: deps.redact(error.message),
      ...(error.next === undefined ? {} : { fix: deps.redact(error.next) }),
    });
  }
  return checks;
}

async function checkAccount(
  deps: Deps,
  { subject, config, role }: Use,
  account: string,
  kind: Kind,
  signal: AbortSignal,
): Promise<Check[]> {
  const opening = { config, account, kind };
  const held =
    role === 'source'
      ? await deps.connections.openSource(opening, signal)
      : await deps.connections.openTarget(opening, signal);
  let healthy = false;
  try {
    const place = await held.session.place(signal);
    const checks: Check[] = [{ subject, check: 'credentials', ok: true, value: place.system }];
    for (const { name, value, problem } of await held.session.describe(signal)) {
      checks.push({
        subject,
        check: name,
        ok: problem === undefined,
        value,
        ...(problem === undefined ? {} : { fix: problem }),
      });
    }
    healthy = true;
    return checks;
  } finally {
    await held.done(healthy);
  }
}
