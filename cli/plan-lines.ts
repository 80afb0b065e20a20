/**
 * A plan as people read it: what is to do by selection, then by folder over all accounts or by account, as has room; what is
 * left out, and why; remarks; the sum last. Numbers stand in columns of their own, and names take what is left of the width.
 */

import type { LeftOutRule } from '../words/left-out.js';
import { count, plural } from '../words/numbers.js';
import type { PlanNames, PlanNote, PlanResult, PlanSelection } from '../words/plan.js';
import type { Style } from './output.js';
import { printable, wrapped } from './output.js';
import type { PlanRow } from './plan-rows.js';
import { changesIn, legend, rowLines } from './plan-rows.js';
import { FOLDER, sumLine } from './plan-sum.js';

export interface PlanView {
  /** Of the terminal. */
  readonly columns: number;
  readonly style: Style;
  /** Each account with each of its folders. */
  readonly details?: boolean;
}

/** So many rows stand below all selections together, unless details are asked for: a plan fits on a screen. */
const ROWS = 24;
/** And so many below one at least. */
const FEW = 5;
const REASONS = 10;

export function planLines(made: PlanResult, view: PlanView): string[] {
  const { columns, style } = view;
  const say = (text: string, indent = '  '): string[] => wrapped(text, columns, indent);
  const shown = legend(made, style);
  const most = Math.max(FEW, Math.floor(ROWS / Math.max(1, made.selections.length)));
  const blocks = made.selections.map((selection) => ({
    selection,
    rows: view.details ? detailed(made, selection) : shortly(made, selection, most),
  }));
  const widths = { columns, style, totals: made.totals };
  const lines = rowLines(
    blocks.map(({ rows }) => rows),
    widths,
  );
  return [
    ...say(style.bold(`${made.name}: what a run would do`)),
    ...(shown === '' ? [] : ['', ...say(`  ${shown}`).map((line) => line.trimEnd())]),
    ...blocks.flatMap(({ selection }, at) => [
      '',
      ...say(style.bold(heading(selection))),
      ...(lines[at] as string[]),
      ...say(`  ${style.dim(restWords(selection))}`, '    '),
    ]),
    ...section('Left out, and why', leftOutLines(made, columns)),
    ...section('Names that the target cannot keep', made.names ? nameLines(made.names, columns) : []),
    ...section('To know', remarkLines(made, view)),
    '',
    ...say(style.bold(sumLine(made))),
  ];
}

const section = (title: string, lines: readonly string[]): string[] => (lines.length > 0 ? ['', title, ...lines] : []);

function heading({ name, from, to, twoWay, accounts }: PlanSelection): string {
  const way = twoWay ? `${printable(from)} ⇄ ${printable(to)}` : `${printable(from)} to ${printable(to)}`;
  return `${printable(name)}: ${way}, ${plural(accounts, 'account')}`;
}

/** What nothing is to do with, as one count. */
function restWords({ unchanged, adopt, folders, kind }: PlanSelection): string {
  const there = adopt > 0 ? `, ${count(adopt)} there already` : '';
  return `${count(unchanged)} unchanged${there}${folders > 1 ? ` (${plural(folders, FOLDER[kind])} in all)` : ''}`;
}

/** Folders over all accounts, or accounts where those are fewer; the rest is one row. */
function shortly(made: PlanResult, selection: PlanSelection, most: number): PlanRow[] {
  const folders = made.folders.filter((one) => one.selection === selection.name && changesIn(one) > 0);
  const accounts = made.accounts.filter((one) => one.selection === selection.name && changesIn(one) > 0);
  const single = selection.accounts === 1;
  if (folders.length > most && accounts.length <= most && !single)
    return accounts.map((one) => ({ name: one.account, counts: one }));
  const order = new Map<string, number>();
  for (const { path } of made.containers) if (!order.has(path)) order.set(path, order.size);
  const rank = (path: string): number => order.get(path) ?? order.size;
  const shown = folders
    .slice(0, folders.length > most ? most - 1 : most)
    .sort((a, b) => Number(a.back ?? false) - Number(b.back ?? false) || rank(a.path) - rank(b.path));
  const rows = shown.map(
    (one): PlanRow => ({
      name: one.path || '/',
      ...(one.target !== one.path && { to: one.target || '/' }),
      ...(one.back && { back: one.back }),
      counts: one,
      ...(one.make > 0 && { mark: single || one.make === one.accounts ? 'new' : `new in ${count(one.make)}` }),
    }),
  );
  return folders.length > shown.length ? [...rows, { name: REST, counts: without(selection, shown) }] : rows;
}

const REST = 'more: see --details';

function without(all: PlanSelection, shown: readonly PlanRow['counts'][]): PlanRow['counts'] {
  const rest = { ...all };
  for (const key of ['create', 'update', 'remove', 'moved', 'compare', 'conflict', 'refuse', 'bytes'] as const)
    rest[key] = shown.reduce((left, one) => left - one[key], all[key]);
  return rest;
}

function detailed(made: PlanResult, selection: PlanSelection): PlanRow[] {
  const rows: PlanRow[] = [];
  let unit: number | undefined;
  const accounts = new Map(made.accounts.map((one) => [`${one.selection} ${one.unit}`, one]));
  for (const one of made.containers) {
    if (one.selection !== selection.name) continue;
    if (one.unit !== unit) {
      unit = one.unit;
      const account = accounts.get(`${one.selection} ${unit}`);
      const idle = account !== undefined && changesIn(account) === 0 ? ': nothing to do' : '';
      rows.push({ name: `${one.account} (unit ${unit})${idle}`, counts: account ?? one, head: true });
    }
    if (changesIn(one) + (one.make ? 1 : 0) === 0) continue;
    rows.push({
      name: one.path || '/',
      ...(one.target !== one.path && { to: one.target || '/' }),
      ...(one.back && { back: one.back }),
      counts: one,
      ...(one.make && { mark: 'new' }),
      below: true,
    });
  }
  return rows;
}

function leftOutLines({ selections, notes, leftOut = [], totals }: PlanResult, columns: number): string[] {
  const filtered = selections.flatMap(({ name, excluded }) =>
    excluded > 0 ? [{ items: excluded, said: `outside \`include\` and \`exclude\` (${printable(name)})` }] : [],
  );
  const reasons = notes.flatMap(({ what, note, where, count: items }) =>
    what === undefined ? [] : [{ items, said: `${LEFT[what]}: ${printable(note)} (${printable(where)})` }],
  );
  const said = [...filtered, ...reasons].sort((a, b) => b.items - a.items);
  const folders = leftOut.map((rule) => ruleWords(rule, selections));
  const open = totals.skip + totals.conflict + totals.refuse - reasons.reduce((sum, { items }) => sum + items, 0);
  const rest = said.slice(REASONS).reduce((sum, { items }) => sum + items, 0);
  const lines = [
    ...said.slice(0, REASONS).map(({ items, said: why }) => [count(items), why] as const),
    ...(rest > 0 ? [[count(rest), 'for other reasons: -o json lists them'] as const] : []),
    ...(open > 0 ? [[count(open), 'named below'] as const] : []),
    ...folders.slice(0, REASONS),
    ...(folders.length > REASONS ? [[count(folders.length - REASONS), 'more rules: -o json lists them'] as const] : []),
  ];
  const wide = lines.reduce((most, [items]) => Math.max(most, items.length), 0);
  return lines.flatMap(([items, why]) =>
    wrapped(`  ${items.padStart(wide)}  ${why}`, columns, ' '.repeat(Math.min(wide + 4, columns >> 1))),
  );
}

const LEFT = { skip: 'skipped', conflict: 'in conflict', refuse: 'refused' } as const;

function ruleWords(
  { selection, rule, containers, units, items, first }: LeftOutRule,
  selections: readonly PlanSelection[],
): readonly [string, string] {
  const { kind = 'mail', accounts = 1 } = selections.find(({ name }) => name === selection) ?? {};
  const names = [...new Set(first.map(({ path }) => path))];
  const shown = names.slice(0, 3).map(printable).join(', ');
  const held = items === null ? '' : `, with ${plural(items, 'item')}`;
  const whose = accounts > 1 ? ` in ${plural(units, 'account')}` : '';
  const word = containers === 1 ? FOLDER[kind] : `${FOLDER[kind]}s`;
  return [
    count(containers),
    `${word}${held}${whose}, ${/^(in|ex)clude\./.test(rule) ? 'by ' : 'because '}${printable(rule)} (${printable(selection)}): ${shown}${names.length > 3 || containers > first.length ? ' …' : ''}`,
  ];
}

/** Each decision with what it rests on: the first of them, then how many there are in all. */
function nameLines({ first, renamed, skipped, refused }: PlanNames, columns: number): string[] {
  const more = renamed + skipped + refused - first.length;
  return [
    `  ${[
      ...(renamed > 0 ? [`${count(renamed)} renamed`] : []),
      ...(skipped > 0 ? [`${count(skipped)} skipped`] : []),
      ...(refused > 0 ? [`${count(refused)} refused`] : []),
    ].join(', ')}`,
    ...first.flatMap(({ where, path, to, becomes, reason }) =>
      wrapped(
        `  ${printable(where)}: ${printable(path)} ${to === undefined ? `is ${becomes}` : `becomes ${printable(to)}`} (${printable(reason)})`,
        columns,
        '    ',
      ),
    ),
    ...(more > 0 ? [`  and ${count(more)} more, each named in the report of a run`] : []),
  ];
}

function remarkLines({ notes, containers, totals, truncated }: PlanResult, { columns, details }: PlanView): string[] {
  const said = notes.filter(({ what }) => what === undefined);
  const words = ({ where, note, count: items }: PlanNote): string =>
    `${printable(where)}: ${items > 1 ? `${count(items)} × ` : ''}${printable(note)}`;
  return [
    ...said.slice(0, REASONS).map(words),
    ...(said.length > REASONS ? [`${count(said.length - REASONS)} more remarks: -o json lists them`] : []),
    ...(totals.changedThere > 0
      ? [`${count(totals.changedThere)} unchanged in the source and changed in the target: they are left alone`]
      : []),
    ...(containers.some((row) => !row.looked) ? [NOT_LOOKED] : []),
    ...(truncated && details ? ['there are more folders and accounts than are listed; they are in the sums'] : []),
  ].flatMap((text) => wrapped(`  ${text}`, columns, '    '));
}

const NOT_LOOKED =
  'mail that the target holds already is not looked for here, and counts as to create: a run finds it and writes nothing twice; `migrate apply --dry-run` tells how much that is';
