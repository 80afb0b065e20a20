import type { Choice } from '../schemas/choice.js';
import type { Ranges } from '../words/ranges.js';
import { looks } from './calls.js';

/** The units of a migration that somebody means by the names of their accounts. Fails for a name that none has. */
export async function search(input: Choice & { readonly name: string }): Promise<Ranges> {
  return looks.chosenUnits(input);
}
