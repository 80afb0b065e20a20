/** Leaves the report of a finished run where the worker keeps reports. */
import type { Deps } from '../deps.js';

/** The folder of the report, or null when this worker keeps none. */
export async function writeRunReport(
  deps: Deps,
  input: { readonly name: string; readonly run: number },
): Promise<string | null> {
  if (deps.reportFolder === undefined) return null;
  return deps.report(input.name, input.run, `${deps.reportFolder}/${input.name}-run-${input.run}`);
}
