/** One of many units that may have nothing to do: its survey, as a slice of its own would do it, for a short time. */
import type { Counters } from '../../words/counters.js';
import { isProven } from '../../words/counters.js';
import type { Deps, Meters } from '../deps.js';
import { noteSlice } from '../slice/note-slice.js';
import type { Assignment } from '../slice/run-slice.js';
import { runSlice } from '../slice/run-slice.js';
import type { SliceInput } from '../slice/slice.js';
import { survey } from '../survey/survey.js';

/**
 * The counters of a unit that has nothing to do; it is not written down as done yet. `left`: `end` came before that was
 * known. Never throws: whatever there is, the unit's workflow meets it again, and says it.
 */
export async function lookAtUnit(
  deps: Deps,
  input: SliceInput,
  assigned: Pick<Assignment, 'unit' | 'spec'>,
  end: AbortSignal,
): Promise<Counters | 'changed' | 'left'> {
  const { lookUnitMs, graceMs } = deps.settings;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), lookUnitMs);
  const signal = AbortSignal.any([end, late.signal]);
  const patience = afterAbort(signal, 2 * graceMs);
  let note = async (): Promise<void> => {};
  try {
    const slice = runSlice(
      { ...deps, meters: { ...deps.meters, ...UNTOLD }, settings: { ...deps.settings, sliceMs: lookUnitMs } },
      input,
      'survey',
      survey,
      { signal },
      {
        ...assigned,
        // Who is settled is written down with others.
        note: async (...said) => {
          note = () => noteSlice(...said);
        },
      },
    );
    // A slice that does not end when it should is not waited for: it keeps its lease, and gives it back when it ends.
    const result = await Promise.race([slice, patience.over]);
    // What is left as it is and not verified is a failure, and is told by its workflow.
    if (result?.state === 'settled' && isProven(result.counters)) return result.counters;
    await note();
  } catch (error) {
    deps.log.info({ unit: input.unit, error: deps.redact(String(error)) }, 'looking whether a unit has anything to do');
  } finally {
    clearTimeout(timer);
    patience.end();
  }
  return end.aborted ? 'left' : 'changed';
}

/** A gate is counted when the unit's workflow meets it. */
const UNTOLD: Pick<Meters, 'gateOpened'> = { gateOpened() {} };

/** Comes so many milliseconds after the signal. */
function afterAbort(signal: AbortSignal, ms: number): { readonly over: Promise<undefined>; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  let start = (): void => {};
  const over = new Promise<undefined>((resolve) => {
    start = () => {
      timer = setTimeout(() => resolve(undefined), ms);
    };
  });
  signal.addEventListener('abort', start, { once: true });
  if (signal.aborted) start();
  return {
    over,
    end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', start);
    },
  };
}
