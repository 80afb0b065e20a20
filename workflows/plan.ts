import type { PlanInput, PlanResult } from '../words/plan.js';
import { looks } from './calls.js';

/** What a run would do; runs where the secrets live. Fails with the reason when the spec cannot be looked at. */
export async function plan(input: PlanInput): Promise<PlanResult> {
  return looks.plan(input);
}
