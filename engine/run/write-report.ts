/** Leaves the report of a finished run where the worker keeps reports: a whole one, or a line where it changed nothing. */
import type { Deps } from '../deps.js';

/** The page that says it, or null when this worker keeps none. */
export async function writeRunReport(
  deps: Pick<Deps, 'reports'>,
  input: { readonly name: string; readonly run: number },
): Promise<string | null> {
  return (await deps.reports?.leave(input.name, input.run)) ?? null;
}
