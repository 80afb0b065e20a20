/** Gates, and what a person types to open them: the same on the console and in the report. */
import type { Gate } from './units.js';

/** The verb that opens a gate. */
export const OPENED_BY: Readonly<Record<Gate, string>> = {
  credentials: 'credentials',
  approval: 'approve',
  failures: 'approve',
  quota: 'retry',
  // The run opens it by itself; this only does so at once.
  order: 'retry',
};

/**
 * What to type for `all` units, of which these are named: one command for all who wait for the same, but where an approval
 * would cover `others`, too. Then it is one for each that is named.
 */
export function commandsFor(
  migration: string,
  verb: string,
  { named, all, others }: { readonly named: readonly number[]; readonly all: number; readonly others: boolean },
): string[] {
  if (all > 1 && (verb !== 'approve' || !others)) return [`migrate ${verb} ${migration}`];
  return named.map((n) => `migrate ${verb} ${migration} --unit ${n}`);
}
