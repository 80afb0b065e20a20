/** What a person wants of a migration, for the slices at work: pause, stop, tuning. */

import type { Step } from '../../ledger/events.js';
import { noteAsked } from '../../ledger/events.js';
import { setControl } from '../../ledger/runs.js';
import type { TuningInput } from '../../words/tuning.js';
import { TUNABLE } from '../../words/tuning.js';
import type { Deps } from '../deps.js';

export interface ControlInput {
  readonly name: string;
  readonly paused?: boolean;
  readonly stopped?: boolean;
  readonly tuning?: TuningInput;
}

export async function control(deps: Deps, input: ControlInput, step?: Step): Promise<void> {
  const { name, paused, stopped, tuning: { reset = [], ...tuning } = {} } = input;
  await deps.ledger.transaction(async (sql) => {
    await setControl(sql, name, {
      ...(paused === undefined ? {} : { paused }),
      ...(stopped === undefined ? {} : { stopped }),
      tuning,
      untuned: reset === true ? TUNABLE : reset,
    });
    await noteAsked(sql, { migration: name }, wordOf(input), { ...input.tuning }, step);
  });
}

/** What somebody typed. A cancel takes a pause back, which a replacing spec inherits. */
function wordOf({ paused, stopped, tuning }: ControlInput): string {
  if (tuning) return 'retune';
  if (stopped) return paused === undefined ? 'replace' : 'cancel';
  return paused ? 'pause' : 'resume';
}
