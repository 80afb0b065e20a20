/** One unit of a plan: both sides are opened, and looked at in one direction, or in both. */
import type { Container } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import type { PlannedContainer } from '../../ledger/planned.js';
import { plannedAgainst } from '../../ledger/planned.js';
import type { Account, Selection, Spec, SystemConfig } from '../../schemas/spec.js';
import type { PlanContainer } from '../../words/plan.js';
import type { Deps } from '../deps.js';
import { unfittedBy } from '../select/fitting-globs.js';
import type { Judged } from '../select/left-out.js';
import { leavesOut, namesakeOf } from '../select/left-out.js';
import { reversed, wantedContainer } from '../select/selecting.js';
import type { Held, Opening } from '../session/connections.js';
import { refuseNested } from '../slice/prove-pairing.js';
import { createArrivals, leftByName } from './arrivals.js';
import type { Listed } from './container.js';
import { planContainer, planVanished } from './container.js';
import type { Counterpart } from './counterpart.js';
import { createCounterpart } from './counterpart.js';
import type { Deletions } from './deletions.js';
import { inOrder } from './in-order.js';
import { settleTwins } from './judging.js';
import type { Handled, Look } from './look.js';
import { createHandled } from './look.js';
import { settleMoves } from './moves.js';
import type { Outlook } from './outlook.js';
import type { Remarks } from './remarks.js';
import { sideOf, whereOf } from './remarks.js';
import { braked } from './removals.js';
import { createVersions } from './versions.js';

export interface UnitToPlan {
  readonly spec: Spec;
  readonly selection: Selection;
  readonly account: Account;
  readonly unit: number;
  readonly dryRun: boolean;
  readonly deletions?: Deletions;
}

/** The side that is read and the side that would be written to, in one direction. */
interface Direction {
  readonly selection: Selection;
  readonly account: Account;
  readonly sourceConfig: SystemConfig;
  readonly targetConfig: SystemConfig;
  readonly reverse: boolean;
}

/** Yields a row for each container and direction. Throws what keeps the unit from being looked at. */
export async function* planUnit(
  deps: Deps,
  input: UnitToPlan,
  remarks: Remarks,
  outlook: Outlook,
  signal: AbortSignal,
): AsyncGenerator<PlanContainer> {
  const { spec, selection, account } = input;
  const sourceConfig = spec.sources[selection.from];
  const targetConfig = spec.targets[selection.to];
  if (!sourceConfig || !targetConfig)
    throw new Fault('spec', `the selection "${selection.name}" names a system that the spec does not have`);
  const handled = createHandled();
  const forward = { selection, account, sourceConfig, targetConfig, reverse: false };
  yield* planDirection(deps, input, forward, handled, remarks, outlook, signal);
  if (selection.mode !== 'two-way') return;
  const reverse = {
    selection: reversed(selection),
    account: { from: account.to, to: account.from },
    sourceConfig: targetConfig,
    targetConfig: sourceConfig,
    reverse: true,
  };
  yield* planDirection(deps, input, reverse, { ...handled, add: () => {} }, remarks, outlook, signal);
}

async function* planDirection(
  deps: Deps,
  input: UnitToPlan,
  direction: Direction,
  handled: Handled,
  remarks: Remarks,
  outlook: Outlook,
  signal: AbortSignal,
): AsyncGenerator<PlanContainer> {
  const { sourceConfig, targetConfig, account, selection, reverse } = direction;
  const { kind } = selection;
  const reading: Omit<Opening, 'role'> = { config: sourceConfig, account: account.from, kind };
  const writing: Omit<Opening, 'role'> = { config: targetConfig, account: account.to, kind };
  const held: Held<unknown>[] = [];
  let healthy = false;
  try {
    const source = await deps.connections.openSource(reading, signal);
    held.push(source);
    const from = await source.session.place(signal);
    const target = await deps.connections.openTarget(writing, signal);
    held.push(target);
    const to = await target.session.place(signal);
    if (kinds[kind].place === 'path') refuseNested(from, to);
    const where = whereOf(selection.name, input.unit, input.account);
    const sides = reverse ? (['target, read', 'source, written to'] as const) : (['source', 'target'] as const);
    remarks.capabilities(sideOf(where, sides[0]), await source.session.describe(signal));
    remarks.capabilities(sideOf(where, sides[1]), await target.session.describe(signal));
    const twoWay = selection.mode === 'two-way';
    const versions = createVersions(deps, writing, sideOf(where, sides[1]), remarks, signal);
    held.push(versions);
    const known = { migration: input.spec.name, selection: selection.name, account: input.account };
    const look: Look = {
      deps,
      signal,
      selection,
      account,
      unit: input.unit,
      where,
      reverse,
      other: twoWay ? 0 : undefined,
      opposite: twoWay ? await plannedAgainst(deps.ledger, to.proof, from.proof, kind, known) : undefined,
      kind,
      rules: kinds[kind],
      source: inOrder(source.session, deps.ledger),
      target: target.session,
      planned: await plannedAgainst(deps.ledger, from.proof, to.proof, kind, known),
      dryRun: input.dryRun,
      ...(input.deletions && { deletions: input.deletions }),
      remarks,
      handled,
      versions: versions.session,
    };
    const rows: PlanContainer[] = [];
    for await (const row of planContainers(look)) {
      rows.push(row);
      yield row;
    }
    await outlook.add(look, to.proof, rows);
    healthy = true;
  } finally {
    await Promise.allSettled(held.map((one) => one.done(healthy)));
  }
}

async function* planContainers(opened: Look): AsyncGenerator<PlanContainer> {
  const known = await opened.planned.containers();
  const moves = known.length > 0 && opened.rules.place !== 'path';
  const look: Look = moves ? { ...opened, arrivals: createArrivals() } : opened;
  const { selection, source, planned, signal, remarks } = look;
  const containers: Container[] = [];
  for await (const container of source.containers(signal)) containers.push(container);
  const ruleFor = leavesOut(selection, [...known, ...containers]);
  // Filters speak of paths in the spec's source.
  const inSource = (one: Judged): Judged =>
    look.reverse ? { ...one, path: wantedContainer(selection, { path: one.path }).path } : one;
  const covers = (one: Judged): boolean => ruleFor(inSource(one)) === undefined;
  const present = new Set(containers.map((container) => container.key));
  if (look.rules.place !== 'path' && !look.reverse) {
    for (const said of unfittedBy(containers, selection)) remarks.note(selection.name, said);
  }
  const counterparts = createCounterparts(look);
  const listed: Listed[] = [];
  for (const container of containers) {
    const rule = ruleFor(inSource(container));
    if (rule !== undefined) {
      remarks.leftOut.add({ selection: selection.name, unit: look.unit }, container, rule);
      continue;
    }
    const namesake = namesakeOf(selection, container);
    if (namesake !== undefined) remarks.note(selection.name, namesake);
    const row = known.find((one) => one.key === container.key);
    const voided = row !== undefined && row.validity !== container.validity;
    const { at, to } = await counterparts(container, row, voided);
    listed.push(await planContainer(look, { container, row, voided, at, to }));
  }
  for (const row of known) {
    if (present.has(row.key) || !covers(row)) continue;
    if (look.rules.place === 'path' && selection.deletions !== 'mirror') continue;
    const { at } = await counterparts(row, row, false);
    listed.push(await planVanished(look, row, at));
  }
  // In the order in which a run decides: what kept its place, what moved, and what is gone.
  const left = listed.flatMap((one) => one.left);
  const byName = leftByName(left);
  for (const { plan } of listed) await settleTwins(plan, byName);
  if (look.arrivals) await settleMoves(look, look.arrivals, left);
  let created = 0;
  let gone = 0;
  for (const one of listed) {
    const planned = await one.finish();
    if (!planned) continue;
    created += planned.row.create;
    gone += planned.gone;
    yield planned.row;
  }
  const paths = new Map(containers.map((container) => [container.key, container]));
  const counted = known.filter((row) => covers(paths.get(row.key) ?? row)).map((row) => row.id);
  const waits = braked(gone, (await planned.count(counted)) + created, selection.maxDeletions);
  if (waits !== undefined) remarks.note(look.where, waits, gone);
}

/**
 * Containers that go to the same place share what was seen of it: two must not adopt the same copy. What is known of a
 * place is let go with the unit.
 */
function createCounterparts(
  look: Look,
): (
  container: Pick<Judged, 'path' | 'role'> & Pick<Container, 'key'>,
  row: PlannedContainer | undefined,
  voided: boolean,
) => Promise<{ readonly at: Counterpart; readonly to: readonly string[] }> {
  const made = new Map<string, Counterpart>();
  return async (container, row, voided) => {
    const plain = wantedContainer(look.selection, container);
    // Going both ways, a container that the other direction is bound to keeps the name it has there.
    const path = await look.opposite?.pathOf(container.key);
    const wanted = path ? { ...plain, path } : plain;
    const to = row?.targetPath ?? wanted.path;
    const name = JSON.stringify([wanted.path, voided]);
    const at = made.get(name) ?? createCounterpart(look, wanted, row, voided);
    made.set(name, at);
    return { at, to };
  };
}
