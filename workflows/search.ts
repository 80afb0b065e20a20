import type { Choice } from '../schemas/choice.js';
import type { ChosenUnit } from '../words/runs.js';
import { looks } from './calls.js';

/** The units of a migration that somebody means by the names of their accounts. Fails for a name that none has. */
export async function search(input: Choice & { readonly name: string }): Promise<ChosenUnit[]> {
  return looks.chosenUnits(input);
}
