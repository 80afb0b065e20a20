/** Gates as people read them: who waits for what, and the command that opens it. */
import { count, plural } from '../words/numbers.js';
import type { Gate, ParkedUnit } from '../words/units.js';
import { coveredLines } from './covered-lines.js';
import { printable } from './output.js';
import type { Snapshot } from './snapshot.js';

const OPENERS: Readonly<Record<Gate, string>> = {
  credentials: 'credentials',
  approval: 'approve',
  failures: 'approve',
  quota: 'retry',
  // The run opens it by itself; this only does so at once.
  order: 'retry',
};

/** The command that opens a gate. */
export const openCommand = (name: string, { gate, n }: Pick<ParkedUnit, 'gate' | 'n'>): string =>
  `migrate ${OPENERS[gate]} ${name} --unit ${n}`;

/** Whether nothing moves until somebody, or time, opens a gate. */
export function onlyGatesLeft({ progress }: Pick<Snapshot, 'progress'>): boolean {
  const { units } = progress;
  return units.parked > 0 && units.running === 0 && units.waiting === 0 && progress.state !== 'preparing';
}

/** Says plainly what all that is left waits for, and what to type. */
export function gateReport({ progress }: Pick<Snapshot, 'progress'>): string[] {
  const { name, gates } = progress;
  const lines = [`${name}: all that is left waits behind ${plural(gates.length, 'gate')}:`];
  for (const gate of gates.slice(0, 20)) {
    lines.push(`  ${gateWords(gate)}`, ...coveredLines(name, gate).map((line) => `    ${line}`));
    if (gate.next) lines.push(`    ${printable(gate.next)}`);
    lines.push(`    ${openCommand(name, gate)}`);
  }
  if (gates.length > 20) lines.push(`  ${count(gates.length - 20)} more: migrate status ${name}`);
  return lines;
}

export function gateWords(gate: ParkedUnit): string {
  const until = gate.retryAt ? `, tries again at ${new Date(gate.retryAt).toISOString().slice(11, 19)} UTC` : '';
  return `unit ${gate.n} (${gate.selection}) waits for ${gate.gate}${until}: ${printable(gate.reason)}`;
}
