/** The units of an open run: who waits, who works, who stands at a gate, and how each of them ended. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { CancellationScope, condition, executeChild } from '@temporalio/workflow';
import type { Approved, UnitEnd } from '../engine/run/end-units.js';
import type { StuckUnit } from '../words/causes.js';
import { Causes } from '../words/causes.js';
import type { Covers } from '../words/covers.js';
import { waitsForApproval } from '../words/covers.js';
import { numbersOf, toRanges } from '../words/ranges.js';
import type { LookResult, Prepared, RunReason, RunSum } from '../words/runs.js';
import type { ParkedUnit, UnitCall } from '../words/units.js';
import { callsOf } from '../words/units.js';
import { looksAtUnits, records } from './calls.js';
import type { Approval, Progress, UnitResult } from './messages.js';
import { makeUnitId } from './messages.js';
import { StuckUnits } from './stuck-units.js';
import { endSummary, unitSummary } from './summaries.js';
import type { unit } from './unit.js';
import { resultOf } from './unit-failure.js';

const SELECTION = defineSearchAttributeKey('DroverSelection', 'KEYWORD');
const KIND = defineSearchAttributeKey('DroverKind', 'KEYWORD');
const MIGRATION = defineSearchAttributeKey('DroverMigration', 'KEYWORD');

/** Units that one activity looks at, and activities that do so at once. */
const LOOK_UNITS = 100;
const LOOKS = 2;
const GATES_SHOWN = 100;
/** And what an approval covers is named for so many. */
const GATES_NAMED = 20;

/** How much it is, without the first items. */
const unnamed = ({ causes: _, ...covers }: Covers): Covers => ({ ...covers, first: [] });

type Reasons = 'waitingFor' | 'failedFor' | 'itemsFailedFor';

/** Why units that end have not done all they had to do. */
export type Stopping = 'paused' | 'ending' | undefined;

export class UnitsAtWork {
  readonly #name: string;
  readonly #reason: RunReason;
  readonly #prepared: Prepared;
  readonly #calls: ReadonlyMap<number, UnitCall>;
  readonly #waiting: number[];
  /** To be looked at together before they get workflows. */
  readonly #settled: number[];
  readonly #parked = new StuckUnits<ParkedUnit>(waitsForApproval);
  readonly #failed = new StuckUnits<UnitCall & StuckUnit>();
  /** Why items failed of units that got through. */
  readonly #itemsFailed = new Causes();
  /** Whose units are, where that is known. */
  readonly #names: Map<number, string>;
  readonly #running = new Map<number, CancellationScope>();
  readonly #looking = new Map<CancellationScope, readonly number[]>();
  /** What came while the run did something else: taken one after the other. */
  readonly #ended: { readonly n: number; readonly result: UnitResult }[] = [];
  readonly #looked: { readonly units: readonly number[]; readonly result: LookResult | undefined }[] = [];
  /** Ends that are being written down. */
  #noting = 0;
  /** Units that this run has stopped itself, and whose end has not come yet. */
  readonly #halted = new Set<number>();
  #done: number;
  /** What all units count, each as it ended last: the ledger adds them up. */
  #sum: RunSum;

  constructor(name: string, reason: RunReason, prepared: Prepared) {
    this.#name = name;
    this.#reason = reason;
    this.#prepared = prepared;
    this.#calls = new Map(callsOf(prepared.groups).map((call) => [call.n, call]));
    this.#waiting = [...numbersOf(prepared.waiting)];
    this.#settled = [...numbersOf(prepared.settled)];
    this.#names = new Map(Object.entries(prepared.names ?? {}).map(([n, name]) => [Number(n), name]));
    for (const parked of prepared.parked) this.#park(parked);
    for (const { units, ...gate } of prepared.parkedBesides)
      for (const n of numbersOf(units)) this.#park({ ...this.#call(n), reason: '', ...gate });
    for (const { units, reason } of prepared.failedFor ?? []) for (const n of numbersOf(units)) this.#fail(n, reason);
    for (const n of numbersOf(prepared.failed)) if (!this.#failed.has(n)) this.#fail(n, '');
    this.#done = prepared.done;
    this.#sum = { totals: prepared.totals, sums: prepared.sums ?? 0 };
  }

  /** Nobody works, and how they ended is in the sum. */
  get isStill(): boolean {
    return this.isIdle && this.#noting === 0;
  }

  /** Nobody works. */
  get isIdle(): boolean {
    return this.#running.size === 0 && this.#looking.size === 0;
  }

  /** Nobody is to be started. */
  get isStarted(): boolean {
    return this.#waiting.length === 0 && this.#settled.length === 0;
  }

  get parked(): readonly ParkedUnit[] {
    return this.#parked.all();
  }

  /** Something ended and was not taken yet. */
  get hasEnded(): boolean {
    return this.#ended.length > 0 || this.#looked.length > 0;
  }

  /** Starts units until so many lanes are busy. */
  startUpTo(lanes: number): void {
    while (this.#running.size + this.#looking.size < lanes) {
      if (this.#settled.length > 0 && this.#looking.size < LOOKS) this.#look(this.#settled.splice(0, LOOK_UNITS));
      else if (this.#waiting.length > 0) this.#start(this.#waiting.shift() as number);
      else return;
    }
  }

  /** They end at a safe point, and are taken as ended then. */
  stop(): void {
    for (const [n, scope] of this.#running) this.#halt(n, scope);
    for (const scope of this.#looking.keys()) scope.cancel();
  }

  /** Resolves when all have ended that were stopped, taken or not. */
  async untilStopped(): Promise<void> {
    await condition(() => this.#looking.size === 0 && this.#ended.length === this.#running.size);
  }

  /** Takes one unit, or one look at many, that has ended. False when there is none. */
  async takeOne(stopping: Stopping): Promise<boolean> {
    const end = this.#ended.shift();
    if (end) await this.#take(end.n, end.result, stopping);
    const look = end ? undefined : this.#looked.shift();
    if (look) this.#takeLook(look, stopping);
    return end !== undefined || look !== undefined;
  }

  /** Units that wait at a gate start again. `by`: the signal's name, `time`, or `order`. How many these are. */
  async reopen(which: (unit: ParkedUnit) => boolean, by: string): Promise<number> {
    const opened = this.parked.filter(which);
    const numbers = opened.map(({ n }) => n);
    if (numbers.length === 0) return 0;
    const covers = opened.flatMap((u): Approved[] => (u.covers ? [[u.n, u.covers.token]] : []));
    for (const n of numbers) this.#parked.delete(n);
    await this.#reopenInLedger(numbers, by, covers);
    for (const n of numbers) this.#waiting.push(n);
    return numbers.length;
  }

  /** What waits for an approval, and is what was shown to whoever approves, goes on. */
  async approve({ unit, shown }: Approval): Promise<void> {
    await this.reopen(
      (parked) =>
        waitsForApproval(parked) &&
        (unit ?? parked.n) === parked.n &&
        (shown === undefined || (parked.covers !== undefined && shown.includes(parked.covers.token))),
      'approve',
    );
  }

  /** Failed units start again, and so do those that wait at a gate, or because a system asked for it. */
  async retry(unit: number | undefined): Promise<void> {
    const chosen = (n: number): boolean => (unit ?? n) === n;
    if (await records.liftBlocks(this.#prepared.specHash, { ...this.#at, ...(unit !== undefined && { unit }) }))
      for (const [n, scope] of this.#running) if (chosen(n)) this.#halt(n, scope);
    const again = this.#failed
      .all()
      .map(({ n }) => n)
      .filter(chosen);
    for (const n of again) this.#failed.delete(n);
    if (again.length > 0) await this.#reopenInLedger(again, 'retry');
    for (const n of again) this.#waiting.push(n);
    await this.reopen(({ n }) => chosen(n), 'retry');
  }

  progress(): Pick<Progress, 'units' | 'totals' | 'running' | 'gates' | Reasons> {
    const lookedAt = [...this.#looking.values()].reduce((sum, { length }) => sum + length, 0);
    return {
      units: {
        total: this.#calls.size,
        waiting: this.#waiting.length + this.#settled.length,
        running: this.#running.size + lookedAt,
        parked: this.#parked.size,
        done: this.#done,
        failed: this.#failed.size,
      },
      totals: this.#sum.totals,
      running: [...this.#running.keys()].map((n) => this.#call(n)),
      gates: this.#parked
        .first(GATES_SHOWN)
        .map((u, at) => (at < GATES_NAMED || !u.covers ? u : { ...u, covers: unnamed(u.covers) })),
      waitingFor: this.#parked.causes.list(),
      failedFor: this.#failed.causes.list(),
      itemsFailedFor: this.#itemsFailed.list(),
    };
  }

  get #at(): { readonly migration: string; readonly run: number } {
    return { migration: this.#name, run: this.#prepared.run };
  }

  #call(n: number): UnitCall {
    const account = this.#names.get(n);
    return { ...(this.#calls.get(n) as UnitCall), ...(account !== undefined && { account }) };
  }

  #park(unit: ParkedUnit): void {
    if (unit.account !== undefined) this.#names.set(unit.n, unit.account);
    this.#parked.add(unit);
  }

  #fail(n: number, reason: string): void {
    this.#failed.add({ ...this.#call(n), reason });
  }

  #halt(n: number, scope: CancellationScope): void {
    this.#halted.add(n);
    scope.cancel();
  }

  #start(n: number): void {
    const call = this.#call(n);
    const { run, specHash } = this.#prepared;
    const scope = new CancellationScope({ cancellable: true });
    this.#running.set(n, scope);
    void scope
      .run(() =>
        executeChild<typeof unit>('unit', {
          workflowId: makeUnitId(this.#name, n),
          // One that is still open is left over from before a reset of this workflow. Their slices' leases keep them apart.
          workflowIdReusePolicy: 'TERMINATE_IF_RUNNING',
          args: [{ ...call, ...this.#at, specHash, reason: this.#reason }],
          typedSearchAttributes: [
            { key: MIGRATION, value: this.#name },
            { key: SELECTION, value: call.selection },
            { key: KIND, value: call.kind },
          ],
          staticSummary: unitSummary(call, run),
        }),
      )
      .then(
        (result) => this.#ended.push({ n, result }),
        (error: unknown) => this.#ended.push({ n, result: resultOf(error) }),
      );
  }

  #look(units: readonly number[]): void {
    const scope = new CancellationScope({ cancellable: true });
    this.#looking.set(scope, units);
    const input = { ...this.#at, specHash: this.#prepared.specHash, reason: this.#reason, units };
    const end = (result: LookResult | undefined): void => {
      this.#looking.delete(scope);
      this.#looked.push({ units, result });
    };
    void scope.run(() => looksAtUnits.lookAtUnits(input)).then(end, () => end(undefined));
  }

  async #end(end: UnitEnd): Promise<void> {
    const summary = endSummary(this.#call(end.unit), end);
    this.#noting++;
    this.#takeSum(await records.endUnit.executeWithOptions({ summary }, [end]));
    this.#noting--;
  }

  /** Looks and ends of units overtake each other. Older workers answered without a sum: what was known stays. */
  #takeSum(sum: Partial<RunSum> | undefined): void {
    if (sum?.totals && (sum.sums ?? 0) > this.#sum.sums) this.#sum = { totals: sum.totals, sums: sum.sums ?? 0 };
  }

  async #take(n: number, result: UnitResult, stopping: Stopping): Promise<void> {
    this.#running.delete(n);
    const isHalted = this.#halted.delete(n);
    const end = { ...this.#at, unit: n };
    switch (result.state) {
      case 'done':
        this.#done++;
        for (const trouble of result.troubles ?? []) this.#itemsFailed.add({ ...this.#call(n), ...trouble });
        return this.#end({ ...end, state: 'done', counters: result.counters });
      case 'failed':
        this.#fail(n, result.reason);
        return this.#end({ ...end, state: 'failed', reason: result.reason });
      case 'parked': {
        const { gate, reason, next, covers, retryAfterMs, counters, account } = result;
        const park: ParkedUnit = {
          ...this.#call(n),
          ...(account !== undefined && { account }),
          gate,
          reason,
          ...(next === undefined ? {} : { next }),
          ...(retryAfterMs === undefined ? {} : { retryAt: Date.now() + retryAfterMs }),
        };
        const named = this.#parked.ahead < GATES_SHOWN;
        this.#park({ ...park, ...(covers && { covers: named ? covers : unnamed(covers) }) });
        return this.#end({ ...end, state: 'parked', park, ...(counters && { counters }) });
      }
      case 'paused':
      case 'stopped':
        if (stopping === 'ending') return this.#end({ ...end, state: 'cancelled' });
        if (result.state === 'stopped' && !isHalted) {
          const reason = 'its workflow was cancelled by hand';
          this.#fail(n, reason);
          return this.#end({ ...end, state: 'failed', reason });
        }
        this.#waiting.unshift(n);
        return this.#end({ ...end, state: 'waiting' });
      default:
        return result satisfies never;
    }
  }

  #takeLook(
    { units, result }: { readonly units: readonly number[]; readonly result: LookResult | undefined },
    stopping: Stopping,
  ): void {
    const left = result ? [...numbersOf(result.left)] : [];
    const changed = result ? [...numbersOf(result.changed)] : units;
    const idle = units.length - left.length - changed.length;
    this.#done += idle;
    for (const [n, name] of Object.entries(result?.names ?? {})) this.#names.set(Number(n), name);
    this.#takeSum(result?.sum);
    this.#waiting.push(...changed);
    // A look that got nowhere though nobody stopped it is not made again: its units get workflows of their own.
    if (stopping || idle + changed.length > 0) this.#settled.unshift(...left);
    else this.#waiting.push(...left);
  }

  #reopenInLedger(numbers: readonly number[], by: string, covers: readonly Approved[] = []): Promise<void> {
    const approved = by === 'approve' && covers.length > 0 ? { covers } : {};
    return records.reopenUnits({ ...this.#at, units: toRanges(numbers), by, ...approved });
  }
}
