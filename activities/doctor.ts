/** Doctor: checks what only the worker can see: the ledger, the secrets and each system's abilities. */
import { Fault } from '../connectors/errors.js';
import type { Spec } from '../schemas/spec.js';
import type { Check, DoctorInput } from '../workflows/messages.js';
import { accountsOf } from './accounts.js';
import type { Deps } from './deps.js';

export async function doctor(deps: Deps, input: DoctorInput, signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = [await checkLedger(deps)];
  if (!input.spec) return checks;
  for (const role of ['source', 'target'] as const) {
    for (const name of Object.keys(role === 'source' ? input.spec.sources : input.spec.targets)) {
      checks.push(...(await checkSystem(deps, input.spec, role, name, signal)));
    }
  }
  return checks;
}

async function checkLedger(deps: Deps): Promise<Check> {
  const started = Date.now();
  const { rows } = await deps.ledger.pool.query<{ version: number; server: string }>(
    `select max(version) as version, current_setting('server_version') as server from ledger_version`,
  );
  const value = `PostgreSQL ${rows[0]?.server}, ledger version ${rows[0]?.version}, answered in ${Date.now() - started} ms`;
  return { subject: 'ledger', check: 'reachable', ok: true, value };
}

/** Tries the first account of each selection that uses the system. */
async function checkSystem(
  deps: Deps,
  spec: Spec,
  role: 'source' | 'target',
  name: string,
  signal: AbortSignal,
): Promise<Check[]> {
  const subject = `${role} ${name}`;
  const config = role === 'source' ? spec.sources[name] : spec.targets[name];
  const selection = spec.selections.find((s) => (role === 'source' ? s.from : s.to) === name);
  if (!config || !selection) return [{ subject, check: 'used', ok: true, value: 'no selection uses it' }];
  const checks: Check[] = [];
  try {
    const account = (await accountsOf(deps, spec, selection, signal))[0];
    if (!account)
      return [{ subject, check: 'accounts', ok: false, value: 'none', fix: 'the selection covers no account' }];
    const opening = { config, account: role === 'source' ? account.from : account.to, kind: selection.kind };
    const held =
      role === 'source'
        ? await deps.connections.openSource(opening, signal)
        : await deps.connections.openTarget(opening, signal);
    let healthy = false;
    try {
      const place = await held.session.place(signal);
      checks.push({ subject, check: 'credentials', ok: true, value: place.system });
      for (const ability of await held.session.describe(signal)) {
        checks.push({
          subject,
          check: ability.name,
          ok: ability.problem === undefined,
          value: ability.value,
          ...(ability.problem === undefined ? {} : { fix: ability.problem }),
        });
      }
      healthy = true;
    } finally {
      await held.done(healthy);
    }
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
