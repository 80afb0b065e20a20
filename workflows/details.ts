/** What the Web UI shows beside a workflow: Markdown. Who and why come first; names are encrypted where the workers encrypt. */

import type { UnitName } from '../words/accounts.js';
import { unitWords } from '../words/accounts.js';
import type { Cause } from '../words/causes.js';
import { causesOf, causeWords, whyWords } from '../words/causes.js';
import { countWords } from '../words/count-words.js';
import type { Counters } from '../words/counters.js';
import { coveredWords } from '../words/covered-words.js';
import { count, plural } from '../words/numbers.js';
import type { Trouble } from '../words/progress.js';
import type { Gate, ParkedUnit, Step } from '../words/units.js';
import { unitCounts } from '../words/units.js';
import { markdown, markdownName } from './markdown.js';
import type { Progress } from './messages.js';

/** How a unit stands: what it is at, or what it waits for, or why it failed. */
export type UnitStanding = Step | Pick<Cause, 'gate' | 'reason' | 'next'>;

export function describeUnit(
  unit: UnitName,
  at: UnitStanding,
  counters?: Counters,
  troubles: readonly Trouble[] = [],
): string {
  const { n, account, selection } = unit;
  return [
    `**${markdownName(account ?? `unit ${n}`)}** (${[...(account === undefined ? [] : [`unit ${n}`]), selection].join(', ')}): ${standingWords(at)}`,
    ...('reason' in at && at.next !== undefined ? ['', markdown(at.next)] : []),
    ...(troubles.length > 0
      ? ['', '**Failed**', '', ...troubles.map(({ items, reason }) => `- ${items}: ${markdown(reason)}`)]
      : []),
    ...(counters ? ['', countWords(counters)] : []),
  ].join('\n');
}

const DOING = { survey: 'surveying', move: 'moving', verify: 'verifying' } as const;

/** `moving`; `moving, the way back`. */
export const doing = ({ phase, back }: Step): string => `${DOING[phase]}${back ? ', the way back' : ''}`;

function standingWords(at: UnitStanding): string {
  if ('phase' in at) return doing(at);
  return `${at.gate === undefined ? 'failed' : `waits for ${at.gate}`}: ${markdown(at.reason)}`;
}

/** `failure`: why a run could not be opened, or broke off. */
export function describeProgress(progress: Progress, failure?: string): string {
  const { units, totals, last } = progress;
  const ended = progress.state === 'done';
  const state = ended ? (failure === undefined ? last?.state : 'failed') : undefined;
  return [
    `**Run ${progress.run}** (${progress.reason}): ${state ?? progress.state}${failure === undefined ? '' : `: ${markdown(failure)}`}`,
    ...listed('Waiting for somebody', progress.waitingFor ?? causesOf(progress.gates), causeWords),
    ...covered(progress),
    ...listed('Failed', progress.failedFor ?? []),
    ...listed('With items that failed', progress.itemsFailedFor ?? []),
    '',
    unitCounts(units),
    '',
    `${ended ? 'Items' : 'Items so far'}: ${countWords(totals)}`,
    ...(progress.running.length > 0 ? ['', `At work: ${atWork(progress.running)}`] : []),
    '',
    ended
      ? `It has ended: \`migrate retry ${progress.name}\`, or *Start Workflow Like This One*, goes on with what is left`
      : `Signals now: ${signalsOf(progress).join(', ')}`,
  ].join('\n');
}

/** Causes shown in one list of the Web UI. */
const SHOWN = 20;

function listed(title: string, causes: readonly Cause[], words: (cause: Cause) => string = whyWords): string[] {
  if (causes.length === 0) return [];
  const shown = causes.slice(0, SHOWN).map((cause) => {
    return `- ${markdown(words(cause))}${cause.next === undefined ? '' : `. **To do:** ${markdown(cause.next)}`}`;
  });
  const rest = causes.length - shown.length;
  return ['', `**${title}**`, '', ...shown, ...(rest > 0 ? [`- ${plural(rest, 'other cause')}`] : [])];
}

/** Units whose approvals are named in the Web UI, and items of each. */
const COVERED = { units: 5, items: 5 };

function covered({ name, gates }: Progress): string[] {
  const waiting = gates.filter(({ covers }) => covers !== undefined && covers.first.length > 0);
  if (waiting.length === 0) return [];
  const shown = waiting.slice(0, COVERED.units).flatMap((gate) => {
    const { lines, more } = coveredWords(gate, COVERED.items);
    const [head, ...rest] = lines.map(markdown);
    return [`- ${markdown(unitWords(gate))}: ${head}`, ...rest, ...(more > 0 ? [`  - and ${count(more)} more`] : [])];
  });
  const others = waiting.length - COVERED.units;
  return [
    ...['', '**What an approval covers**', ...shown],
    ...(others > 0 ? [`- ${plural(others, 'other unit')}`] : []),
    `\nThe report has all of it, and so has \`migrate approve ${name} --list FILE\`.`,
  ];
}

/** Units whose workflows are open: their accounts, else their numbers. */
function atWork(running: Progress['running']): string {
  const names = running.slice(0, SHOWN).map(({ n, account }) => markdownName(account ?? `unit ${n}`));
  return `${names.join(', ')}${running.length > SHOWN ? ` and ${running.length - SHOWN} more` : ''}`;
}

/** What may be sent from here, as it is typed there. Each is taken without input, too: then it means every unit. */
function signalsOf({ state, gates, units }: Progress): string[] {
  const at = (gate: ParkedUnit | undefined, n = gate?.n ?? 3): string => `\`{"unit": ${n}}\``;
  const waitsAt = (...names: readonly Gate[]): ParkedUnit | undefined => gates.find(({ gate }) => names.includes(gate));
  const credentials = waitsAt('credentials');
  const approval = waitsAt('approval', 'failures');
  return [
    ...(state === 'paused' || state === 'pausing' ? ['`resume`'] : ['`pause`']),
    ...(credentials ? [`\`credentials\` when they are renewed (or for one unit: ${at(credentials)})`] : []),
    ...(approval ? [`\`approve\` (or for one unit: ${at(approval)})`] : []),
    ...(units.failed + units.parked > 0
      ? [`\`retry\` for what failed or waits (or for one unit: ${at(gates[0])})`]
      : []),
    '`cancel`',
    '`request` for another run after this one',
  ];
}
