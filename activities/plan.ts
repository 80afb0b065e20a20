/** Plan: what a run would do, container by container, without writing anything anywhere. */
import type { Capability, ItemRef, Source } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import type { Pairing } from '../ledger/places.js';
import { plannedAgainst } from '../ledger/planned.js';
import type { Selection, Spec, SystemConfig } from '../schemas/spec.js';
import type { PlanContainer, PlanInput, PlanProblem, PlanResult } from '../workflows/messages.js';
import { accountsOf } from './accounts.js';
import type { Held } from './connections.js';
import type { Deps } from './deps.js';
import { coversContainer, coversItem, wantedContainer } from './selecting.js';

const MAX_CONTAINERS = 2_000;

/** Looks at every account of the spec; an account that cannot be opened is a problem, not the end. */
export async function plan(deps: Deps, input: PlanInput, signal: AbortSignal, beat: () => void): Promise<PlanResult> {
  const containers: PlanContainer[] = [];
  const problems: PlanProblem[] = [];
  let unit = 0;
  let truncated = false;
  const totals = { create: 0, update: 0, remove: 0, unchanged: 0, bytes: 0 };
  for (const selection of input.spec.selections) {
    for (const account of await accountsOf(deps, input.spec, selection, signal)) {
      unit++;
      try {
        for await (const row of planUnit(deps, input, selection, { ...account, unit }, problems, signal)) {
          beat();
          for (const key of ['create', 'update', 'remove', 'unchanged', 'bytes'] as const) totals[key] += row[key];
          if (containers.length < MAX_CONTAINERS) containers.push(row);
          else truncated = true;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        problems.push(problemOf(`${selection.name}, unit ${unit}`, error, deps));
      }
    }
  }
  return { name: input.spec.name, containers, problems, totals, truncated };
}

function problemOf(where: string, fault: Fault, deps: Deps): PlanProblem {
  return {
    where,
    problem: deps.redact(fault.message),
    ...(fault.next === undefined ? {} : { next: deps.redact(fault.next) }),
  };
}

async function* planUnit(
  deps: Deps,
  input: PlanInput,
  selection: Selection,
  account: { readonly from: string; readonly to: string; readonly unit: number },
  problems: PlanProblem[],
  signal: AbortSignal,
): AsyncGenerator<PlanContainer> {
  const { sourceConfig, targetConfig } = sides(input.spec, selection);
  const source = await deps.connections.openSource(
    { config: sourceConfig, account: account.from, kind: selection.kind },
    signal,
  );
  let target: Held<unknown> | undefined;
  let healthy = false;
  try {
    const from = await source.session.place(signal);
    const opened = await deps.connections.openTarget(
      { config: targetConfig, account: account.to, kind: selection.kind },
      signal,
    );
    target = opened;
    const to = await opened.session.place(signal);
    const where = `${selection.name}, unit ${account.unit}`;
    problems.push(...capabilityProblems(`${where}: source`, await source.session.describe(signal)));
    problems.push(...capabilityProblems(`${where}: target`, await opened.session.describe(signal)));
    const known = await plannedAgainst(deps.ledger, from.proof, to.proof, selection.kind as Pairing['kind']);
    const covers = coversContainer(selection);
    for await (const container of source.session.containers(signal)) {
      if (!covers(container.path)) continue;
      const counts = { create: 0, update: 0, remove: 0, unchanged: 0, excluded: 0, bytes: 0 };
      const before = await known.items(container.key, container.validity);
      const wanted = coversItem(selection);
      for await (const page of source.session.list(container, undefined, signal)) {
        const create: ItemRef[] = [];
        for (const item of page.entries) {
          if (!wanted(item)) {
            counts.excluded++;
            continue;
          }
          const version = before.get(item.key);
          before.delete(item.key);
          if (version === undefined) create.push(item);
          else if (version === item.version) counts.unchanged++;
          else counts.update++;
        }
        counts.create += create.length;
        counts.bytes += create.reduce((sum, item) => sum + item.bytes, 0);
        if (input.dryRun) problems.push(...(await unreadable(source.session, container, create, where, signal)));
      }
      if (selection.deletions === 'mirror') counts.remove = before.size;
      yield {
        selection: selection.name,
        unit: account.unit,
        path: container.path.join('/'),
        target: wantedContainer(selection, container).path.join('/'),
        ...counts,
      };
    }
    healthy = true;
  } finally {
    await source.done(healthy);
    await target?.done(healthy);
  }
}

function sides(spec: Spec, selection: Selection): { sourceConfig: SystemConfig; targetConfig: SystemConfig } {
  const sourceConfig = spec.sources[selection.from];
  const targetConfig = spec.targets[selection.to];
  if (!sourceConfig || !targetConfig)
    throw new Fault('spec', `the selection "${selection.name}" names a system that the spec does not have`);
  return { sourceConfig, targetConfig };
}

function capabilityProblems(where: string, capabilities: readonly Capability[]): PlanProblem[] {
  return capabilities.flatMap((c) =>
    c.problem === undefined ? [] : [{ where, problem: `${c.name}: ${c.value}`, next: c.problem }],
  );
}

async function unreadable(
  source: Source<unknown>,
  container: Parameters<Source<unknown>['read']>[0],
  items: readonly ItemRef[],
  where: string,
  signal: AbortSignal,
): Promise<PlanProblem[]> {
  const problems: PlanProblem[] = [];
  if (items.length === 0) return problems;
  for await (const read of source.read(container, items, signal)) {
    if ('refused' in read)
      problems.push({ where: `${where}: ${container.path.join('/')} ${read.refused}`, problem: read.reason });
  }
  return problems;
}
