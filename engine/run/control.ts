/** What a person wants of a migration, for the slices at work: pause, stop, tuning. */

import { setControl } from '../../ledger/runs.js';
import type { TuningInput } from '../../words/tuning.js';
import type { Deps } from '../deps.js';

export interface ControlInput {
  readonly name: string;
  readonly paused?: boolean;
  readonly stopped?: boolean;
  readonly tuning?: TuningInput;
}

export async function control(deps: Deps, input: ControlInput): Promise<void> {
  await setControl(deps.ledger, input.name, {
    ...(input.paused === undefined ? {} : { paused: input.paused }),
    ...(input.stopped === undefined ? {} : { stopped: input.stopped }),
    tuning: input.tuning ?? {},
  });
}
