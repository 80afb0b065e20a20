/** A run that nobody has closed: how it stands, and that its numbers are of a moment. Said before everything else. */
import type { OpenRun, ReportRun } from '../ledger/report.js';
import { count, plural } from '../words/numbers.js';
import type { UnitState } from '../words/units.js';
import { minute } from './text.js';

/** How long nothing may be heard of a run that is at work: its slices take some thirty seconds, and leave a line each. */
const QUIET_MS = 5 * 60_000;

export interface Unfinished {
  /** In a sentence, with a capital and a full stop: `Run 3 goes on: these are the numbers of …; 2 of 5 accounts are done.` */
  readonly sentence: string;
  /** What a person has to do for it to go on; absent where it goes on by itself, or waits for what accounts wait for. */
  readonly step?: { readonly words: string; readonly command: string };
}

/** Undefined where the run has ended, and no later one goes on. */
export function unfinished(
  migration: string,
  run: Pick<ReportRun, 'number' | 'state'>,
  open: OpenRun | undefined,
  /** Of the accounts that the report is about. */
  states: readonly UnitState[],
): Unfinished | undefined {
  const done = states.filter((state) => state === 'done').length;
  const share = `${count(done)} of ${plural(states.length, 'account')} ${done === 1 ? 'is' : 'are'} done`;
  if (!open) {
    const ended = ENDED[run.state as keyof typeof ENDED];
    return ended && done < states.length ? { sentence: `Run ${run.number} ${ended}: ${share}.` } : undefined;
  }
  const name = `Run ${open.number}`;
  const numbers =
    open.number === run.number
      ? `these are the numbers of ${minute(open.at)}; ${share}`
      : `items and accounts are shown as they stood at ${minute(open.at)}; ${share}`;
  if (open.paused) {
    return {
      sentence: `${name} is paused: ${numbers}.`,
      step: { words: 'The run is paused: let it go on', command: `migrate resume ${migration}` },
    };
  }
  const parked = states.filter((state) => state === 'parked').length;
  if (parked > 0 && !states.some((state) => state === 'running' || state === 'waiting')) {
    return { sentence: `${name} waits at ${plural(parked, 'gate')}: ${numbers}.` };
  }
  if (!open.atWork && open.at.getTime() - open.lastWork.getTime() > QUIET_MS) {
    return {
      sentence: `${name} was never closed, and nothing has been written down of it since ${minute(open.lastWork)}: ${numbers}.`,
      step: { words: 'See whether a worker is there, and start one', command: `migrate status ${migration}` },
    };
  }
  return { sentence: `${name} goes on: ${numbers}.` };
}

const ENDED = { cancelled: 'was cancelled', replaced: 'was replaced by another spec' } as const;
