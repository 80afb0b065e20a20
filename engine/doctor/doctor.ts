/** Doctor: checks what only the worker can see: the ledger, the secrets, every account, and what its system can do. */
import { Fault } from '../../connectors/errors.js';
import type { Spec } from '../../schemas/spec.js';
import type { Check, DoctorInput, DoctorProgress } from '../../words/check.js';
import type { Deps } from '../deps.js';
import { arrivedSpec } from '../run/specs.js';
import { createFindings } from './findings.js';
import { createRooms } from './rooms.js';
import { CHECK_MS, within } from './try-account.js';
import type { Outcome, Trial, TriedUse } from './try-use.js';
import { tryFirst, tryOthers } from './try-use.js';
import type { Use } from './uses.js';
import { coveredBy, usesOf } from './uses.js';

export async function doctor(
  deps: Deps,
  input: DoctorInput,
  signal: AbortSignal,
  progress: (progress: DoctorProgress) => void = () => {},
): Promise<Check[]> {
  const ledger = await checkLedger(deps, signal);
  const { specHash } = input;
  if (!ledger.ok || (input.spec === undefined && specHash === undefined)) return [ledger];
  const spec = input.spec ?? (await arrivedSpec(deps, specHash as string));
  return [ledger, ...(await checkSystems(deps, spec, input, signal, progress))];
}

async function checkLedger(deps: Deps, signal: AbortSignal): Promise<Check> {
  const started = performance.now();
  const base = { subject: 'ledger', check: 'reachable' };
  try {
    const { rows } = await within(CHECK_MS, signal, () =>
      deps.ledger.pool.query<{ version: number; server: string }>(
        `select max(version) as version, current_setting('server_version') as server from ledger_version`,
      ),
    );
    const value = `PostgreSQL ${rows[0]?.server}, ledger version ${rows[0]?.version}, answered in ${Math.round(performance.now() - started)} ms`;
    return { ...base, ok: true, value };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Fault)) throw error;
    const { message, next } = error;
    return { ...base, ok: false, value: deps.redact(message), ...(next !== undefined && { fix: deps.redact(next) }) };
  }
}

/** Systems side by side; what one system is used for one after the other: it has one limit of connections. */
async function eachSystem(
  uses: readonly TriedUse[],
  step: (use: TriedUse, before: readonly TriedUse[]) => Promise<void>,
): Promise<void> {
  const systems = new Set(uses.map(({ config }) => config));
  await Promise.all(
    [...systems].map(async (system) => {
      const those = uses.filter(({ config }) => config === system);
      for (const [n, use] of those.entries()) await step(use, those.slice(0, n));
    }),
  );
}

/**
 * First one account of each system: what does not answer at all is known then. The targets go first: what a source holds
 * is summed only where its target tells what fits.
 */
async function checkSystems(
  deps: Deps,
  spec: Spec,
  { sample, selections, accounts }: DoctorInput,
  signal: AbortSignal,
  progress: (progress: DoctorProgress) => void,
): Promise<readonly Check[]> {
  const chosen = { ...(selections && { selections }), ...(accounts && { accounts }) };
  const covered = await coveredBy(deps, spec, { ...(sample !== undefined && { sample }), ...chosen }, signal);
  const uses = usesOf(spec, covered);
  const used = uses.filter((use): use is TriedUse => use.kind !== undefined);
  const rooms = createRooms(deps, covered);
  const of = used.reduce((sum, { accounts }) => sum + accounts.length, 0);
  let tried = 0;
  const counted = (accounts: number): void => {
    tried += accounts;
    progress({ tried, of });
  };
  counted(0);
  const trial: Trial = { deps, beside: rooms.asks, counted, signal };
  const outcomes = new Map<Use, Outcome>();
  await eachSystem(used, async (use, before) => {
    const down = before.map((one) => outcomes.get(one)?.down).find((fault) => fault !== undefined);
    outcomes.set(use, down ? { tried: [], down } : await tryFirst(trial, use));
  });
  for (const role of ['target', 'source'] as const) {
    const now = used.filter((use) => use.role === role);
    await eachSystem(now, async (use) => {
      outcomes.set(use, await tryOthers(trial, use, outcomes.get(use) ?? { tried: [] }));
    });
  }
  const findings = createFindings(deps.redact);
  for (const use of uses) findings.add(use, outcomes.get(use) ?? { tried: [] }, rooms);
  return findings.checks;
}
