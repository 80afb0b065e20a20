/** What the Web UI shows beside a workflow: Markdown, no personal data. */

import { countWords } from '../words/count-words.js';
import type { Counters } from '../words/counters.js';
import type { Trouble } from '../words/progress.js';
import type { Gate, ParkedUnit, Phase } from '../words/units.js';
import type { Progress } from './messages.js';

export function describeCounters(phase: Phase, counters: Counters, troubles: readonly Trouble[] = []): string {
  return [
    `**${phase}**: ${countWords(counters)}`,
    ...(troubles.length > 0 ? ['', '**Failed**', ...troubles.map(({ items, reason }) => `- ${items}: ${reason}`)] : []),
  ].join('\n');
}

export function describeProgress(progress: Progress): string {
  const { units, totals } = progress;
  const gates = progress.gates.slice(0, 20).map(describeGate);
  return [
    `**Run ${progress.run}** (${progress.reason}): ${progress.state}: ${countWords(totals)}`,
    '',
    `Units: ${units.done} done, ${units.running} running, ${units.waiting} waiting, ${units.parked} parked, ${units.failed} failed of ${units.total}`,
    ...(gates.length > 0 ? ['', '**Waiting for somebody**', ...gates] : []),
    '',
    `Signals now: ${signalsOf(progress).join(', ')}`,
  ].join('\n');
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

function describeGate(gate: ParkedUnit): string {
  return `- unit ${gate.n}: ${gate.gate}: ${gate.reason}${gate.next === undefined ? '' : ` (${gate.next})`}`;
}
