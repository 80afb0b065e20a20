/** One line of a workflow or an activity in the Web UI: whose it is comes first, then what and why. */
import type { UnitEnd } from '../engine/run/end-units.js';
import type { UnitName } from '../words/accounts.js';
import type { Step, UnitCall } from '../words/units.js';
import { doing } from './details.js';

/** E.g. `anna@old.example: mail, unit 3, run 1`. */
export function unitSummary(call: UnitCall, run: number): string {
  const { n, kind, selection, account } = call;
  return shortened(
    whose(call),
    [selection === kind ? kind : `${kind}, selection ${selection}`, account && `unit ${n}`, `run ${run}`]
      .filter(Boolean)
      .join(', '),
  );
}

/** E.g. `anna@old.example: waits for credentials: OLD_PASSWORD is not set`. */
export function endSummary(
  call: UnitCall,
  { state, park, reason }: Pick<UnitEnd, 'state' | 'park' | 'reason'>,
): string {
  const how = park
    ? `waits for ${park.gate}: ${park.reason}`
    : reason === undefined
      ? WORDS[state]
      : `${state}: ${reason}`;
  return shortened(whose(call), how);
}

const WORDS: Readonly<Record<UnitEnd['state'], string>> = {
  done: 'done',
  failed: 'failed',
  parked: 'waits',
  cancelled: 'cancelled',
  waiting: 'stopped, goes on later',
};

/** E.g. `anna@old.example: moving`. */
export const sliceSummary = (unit: UnitName, step: Step): string => shortened(whose(unit), doing(step));

const whose = ({ account, n }: UnitName): string => account ?? `unit ${n}`;

/** Temporal takes 400 bytes, as they are stored: encryption and JSON add to them. */
const MOST_BYTES = 200;
const NAME_BYTES = 110;

function shortened(name: string, rest: string): string {
  return within(`${within(name, NAME_BYTES)}: ${rest}`.replaceAll('"', "'").replace(/[\p{Cc}\\]+/gu, ' '), MOST_BYTES);
}

/** In the bytes of UTF-8. */
function within(text: string, most: number): string {
  let bytes = 0;
  let kept = '';
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > most) return `${kept}…`;
    kept += letter;
  }
  return kept;
}
