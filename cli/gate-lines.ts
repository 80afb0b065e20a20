/** Gates as people read them: who waits for what, what to do, and the command that opens it. Each cause once. */
import type { Cause } from '../words/causes.js';
import { causesOf, namesWords, stateWords } from '../words/causes.js';
import { commandsFor, OPENED_BY } from '../words/gates.js';
import { ago, count, plural } from '../words/numbers.js';
import type { Gate, ParkedUnit } from '../words/units.js';
import type { Progress } from '../workflows/messages.js';
import { coveredLines } from './covered-lines.js';
import { fitted, printable, wrapped } from './output.js';
import type { Snapshot } from './snapshot.js';

/** The command that opens the gate of one unit. */
export const openCommand = (name: string, { gate, n }: Pick<ParkedUnit, 'gate' | 'n'>): string =>
  `migrate ${OPENED_BY[gate]} ${name} --unit ${n}`;

/** What units wait for, each cause once. */
export const waitingFor = ({ waitingFor, gates }: Pick<Progress, 'waitingFor' | 'gates'>): readonly Cause[] =>
  waitingFor ?? causesOf(gates);

/** The commands that open a gate, and where the units are that they do not name. */
function openCommands(name: string, cause: Cause, causes: readonly Cause[]): string[] {
  const verb = verbOf(cause);
  const others = causes.some((other) => other !== cause && verbOf(other) === verb);
  const named = cause.units.map(({ n }) => n);
  const commands = commandsFor(name, verb, { named, all: cause.count, others });
  const rest = commands.length > 1 ? cause.count - commands.length : 0;
  return rest > 0
    ? [...commands, `and so for ${plural(rest, 'more unit')}: migrate status ${name} --output json`]
    : commands;
}

const verbOf = ({ gate }: Cause): string => OPENED_BY[gate as Gate];

/** Whether nothing moves until somebody, or time, opens a gate. */
export function onlyGatesLeft({ progress }: Pick<Snapshot, 'progress'>): boolean {
  const { units } = progress;
  return units.parked > 0 && units.running === 0 && units.waiting === 0 && progress.state !== 'preparing';
}

/** Says plainly what all that is left waits for, and what to type. */
export function gateReport({ progress }: Pick<Snapshot, 'progress'>): string[] {
  const { name } = progress;
  const causes = waitingFor(progress);
  const lines = [`${name}: all that is left waits behind ${plural(causes.length, 'gate')}:`];
  for (const cause of causes.slice(0, 20)) {
    lines.push(`  ${gateWords(cause)}`);
    for (const line of [...coveredBy(progress, cause), ...toDo(name, cause, causes)]) lines.push(`    ${line}`);
  }
  if (causes.length > 20) lines.push(`  ${count(causes.length - 20)} more: migrate status ${name}`);
  return lines;
}

/** In one line: `3 accounts wait for credentials: OLD_PASSWORD is not set (anna@old, bela@old, carl@old)`. */
export function gateWords(cause: Cause): string {
  return printable(`${headWords(cause)} ${namesWords(cause)}`.trimEnd());
}

function headWords(cause: Cause): string {
  const { retryAt, reason } = cause;
  const until = retryAt === undefined ? '' : `, tries again ${ago(retryAt)}`;
  return `${stateWords(cause)}${until}: ${reason}`;
}

/** What a person does about it, and types then. */
function toDo(name: string, cause: Cause, causes: readonly Cause[]): string[] {
  return [...(cause.next ? [printable(cause.next)] : []), ...openCommands(name, cause, causes)];
}

/** All gates, for a page that scrolls: nothing is cut. */
export function gatePage(progress: Progress, columns: number): string[] {
  const causes = waitingFor(progress);
  return causes.flatMap((cause) => [
    ...wrapped(`gate: ${gateWords(cause)}`, columns, '      '),
    ...[...coveredBy(progress, cause), ...toDo(progress.name, cause, causes)].flatMap((line) =>
      wrapped(`      ${line}`, columns, '        '),
    ),
  ]);
}

/** What an approval covers, unit by unit. */
function coveredBy({ name, gates }: Pick<Progress, 'name' | 'gates'>, { units }: Cause): string[] {
  return units.flatMap(({ n }) => {
    const gate = gates.find((one) => one.n === n);
    return gate ? coveredLines(name, gate) : [];
  });
}

/** The first gates, for a view of so many columns. Names are cut there, what to do never is. */
export function gateBlock(
  progress: Progress,
  columns: number,
  most: number,
): { readonly head: string[]; readonly toDo: string[] }[] {
  const causes = waitingFor(progress);
  return causes.slice(0, most).map((cause) => {
    const names = namesWords(cause, 10);
    return {
      head: [
        ...wrapped(printable(headWords(cause)), columns, '  '),
        ...(names === '' ? [] : [fitted(`  ${printable(names)}`, columns)]),
      ],
      toDo: toDo(progress.name, cause, causes).flatMap((line) => wrapped(`  ${line}`, columns, '    ')),
    };
  });
}
