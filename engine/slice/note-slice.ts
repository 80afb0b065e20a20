/** What a slice leaves behind for people: its unit's counters, an event, and the fleet's meters. */
import { writeEvent } from '../../ledger/events.js';
import { changeUnit } from '../../ledger/units.js';
import type { Counters } from '../../words/counters.js';
import type { Phase } from '../../words/units.js';
import type { Deps, MeterLabels } from '../deps.js';
import type { SliceInput } from './slice.js';
import type { Tally } from './tally.js';

export interface SliceNote {
  readonly phase: Phase;
  readonly kind: string;
  readonly counters: Counters;
  readonly tally: Tally;
  /** Slices in a row that asked to go on and had done nothing, this one included. */
  readonly idleSlices: number;
  readonly ms: number;
}

export async function noteSlice(deps: Deps, input: SliceInput, note: SliceNote): Promise<void> {
  const { phase, kind, counters, tally, idleSlices } = note;
  const ms = Math.round(note.ms);
  await changeUnit(deps.ledger.pool, input, { state: 'running', phase, counters, idleSlices });
  const { carrying: _under, troubles: _told, container: _at, ...done } = tally;
  if (tally.items > 0 || tally.failures > 0 || tally.bytes > 0)
    await writeEvent(deps.ledger.pool, input, tally.failures > 0 ? 'warn' : 'info', 'slice', { phase, ms, ...done });
  measure(deps, { migration: input.migration, kind }, phase, tally, ms);
}

function measure({ meters }: Deps, labels: MeterLabels, phase: Phase, tally: Tally, ms: number): void {
  meters.sliceTook(ms / 1000, labels);
  if (phase === 'move') {
    meters.itemsMoved(tally.arrived, labels);
    meters.bytesMoved(tally.bytes, labels);
  }
  if (tally.verified > 0) meters.itemsVerified(tally.verified, labels);
}
