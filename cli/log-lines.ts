/** Events of the log as people read them: when, where, and what happened in words. JSON and YAML show them as they are. */
import type { JsonObject } from '../connectors/contract.js';
import type { Event } from '../ledger/events.js';
import { unitWords } from '../words/accounts.js';
import { count, duration, plural, size } from '../words/numbers.js';
import type { Style } from './output.js';
import { printable } from './output.js';

export function eventLine(event: Event, style: Style): string {
  const { at, level, run, unit, account } = event;
  const paint = { info: style.dim, warn: style.yellow, error: style.red }[level];
  const where = `run ${run}${unit === null ? '' : `  ${printable(unitWords({ n: unit, ...(account && { account }) }))}`}`;
  return [style.dim(localTime(at)), paint(level.padEnd(5)), where, printable(eventWords(event))].join('  ');
}

/** By the clock of whoever reads; `-o json` has it in UTC. */
function localTime(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`;
}

function eventWords({ message, detail }: Event): string {
  const { asked, step: _step, ...rest } = detail;
  if (message === 'run opened') return opened(rest);
  if (message === 'slice') return slice(rest);
  if (message === 'gate opened') return openedBy(rest);
  if (asked === true) return `a person asked: ${[message, ...options(rest)].join(' ')}`;
  if (/^run (done|failed|cancelled|replaced)$/.test(message)) return closed(message, rest);
  const { reason, next, ...others } = rest;
  const said = [message, ...[reason].filter((text) => typeof text === 'string')].join(': ');
  return [said, ...[next].filter((text) => typeof text === 'string'), ...pairs(others)].join('; ');
}

/** As it was typed, or might have been. */
function options({ reset, units, deletions, failures, ...values }: JsonObject): string[] {
  const names = Object.entries(values).map(([name, value]) => `--${kebab(name)} ${plain(value)}`);
  const taken = reset === undefined ? [] : ['--reset', ...(Array.isArray(reset) ? [reset.map(kebab).join(',')] : [])];
  const found = Object.entries({ unit: units, deletion: deletions, failure: failures }).flatMap(([word, value]) =>
    typeof value === 'number' ? [plural(value, word)] : [],
  );
  return [...taken, ...names, ...(found.length > 0 ? [`(${found.join(', ')})`] : [])];
}

function opened({ reason, schedule, spec, units }: JsonObject): string {
  const why = schedule === undefined ? reason : `${plain(reason)} ${plain(schedule)}`;
  return `run opened: ${plain(why)}, spec ${plain(spec)}, ${plural(Number(units), 'unit')}`;
}

function openedBy({ by }: JsonObject): string {
  if (by === 'time') return 'goes on: its time has come';
  if (by === 'order') return 'goes on: the others have moved';
  return `goes on: ${plain(by)}`;
}

/** A slice's own tally: what it has seen, written and proven. */
function slice({ phase, ms, items, arrived, verified, failures, bytes }: JsonObject): string {
  const told = [
    // What is written or read back is said as such.
    number(items) > 0 &&
      (phase === 'survey' || number(arrived) + number(verified) === 0) &&
      `${plural(number(items), 'item')}`,
    number(arrived) > 0 && `${count(number(arrived))} arrived`,
    number(verified) > 0 && `${count(number(verified))} verified`,
    number(failures) > 0 && `${count(number(failures))} failed`,
    number(bytes) > 0 && size(number(bytes)),
  ].filter((words) => words !== false);
  return `${plain(phase)}: ${told.join(', ')}, in ${duration(number(ms))}`;
}

/** The sum that a run leaves. */
function closed(message: string, totals: JsonObject): string {
  const told = (
    ['failures', 'pending', 'duplicates', 'created', 'updated', 'moved', 'removed', 'skipped'] as const
  ).flatMap((counter) =>
    number(totals[counter]) > 0 ? [`${count(number(totals[counter]))} ${WORDS[counter] ?? counter}`] : [],
  );
  const proven = `${count(number(totals.verified))} of ${plural(number(totals.items), 'item')} verified`;
  const failed =
    number(totals.failed) > 0
      ? [`${count(number(totals.failed))} of ${plural(number(totals.units), 'unit')} failed`]
      : [];
  return `${message}: ${[proven, ...failed, ...told].join(', ')}`;
}

const WORDS: Readonly<Record<string, string>> = { failures: 'failed', pending: 'not tried' };

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const kebab = (name: unknown): string => plain(name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function pairs(detail: JsonObject): string[] {
  return Object.entries(detail).flatMap(([name, value]) => (value === null ? [] : [`${name} ${plain(value)}`]));
}
