/** What `doctor` found, as lines: one for what is well, and under what is not whom it concerns and what to do. */
import type { Check } from '../words/check.js';
import { count } from '../words/numbers.js';
import type { Style } from './output.js';
import { padded, printable, widest, wrapped } from './output.js';

/** The rest is in `-o json`. */
const NAMED = 10;

/** Narrower columns cannot be read. */
const NARROWEST = 20;

/** `columns`: of the terminal; elsewhere a check and what to do are a line each. */
export function checkLines(checks: readonly Check[], style: Style, columns = Number.POSITIVE_INFINITY): string[] {
  const subjects = widest(checks.map((one) => printable(one.subject)));
  const names = widest(checks.map((one) => one.check));
  const indent = `  ${' '.repeat(subjects)}  `;
  return checks.flatMap((one) => {
    const mark = one.ok ? style.green('✓') : style.red('✗');
    const head = `${mark} ${padded(printable(one.subject), subjects)}  ${padded(one.check, names)}  ${printable(one.value)}`;
    const hanging = indent.length + names + 2;
    const fix = !one.ok && one.fix ? wrapped(`${indent}→ ${printable(one.fix)}`, columns, `${indent}  `) : [];
    return [
      ...wrapped(head.trimEnd(), columns, ' '.repeat(columns - hanging < NARROWEST ? 4 : hanging)),
      ...whomLines(one).flatMap((line) => wrapped(`${indent}${line}`, columns, indent)),
      ...fix.map((line) => style.yellow(line)),
    ];
  });
}

/** Names that stand in the sentence already are not said again. */
function whomLines({ value, accounts = [], unlisted = 0 }: Check): string[] {
  const [first] = accounts;
  if (!first || (accounts.length + unlisted === 1 && value.includes(first.account))) return [];
  const shown = accounts.slice(0, NAMED);
  const more = accounts.length + unlisted - shown.length;
  const rest = more > 0 ? [`and ${count(more)} more: -o json names them`] : [];
  const differ = shown.some((one) => one.value !== undefined);
  if (!differ) return [[...shown.map(({ account }) => printable(account)), ...rest].join(', ')];
  return [...shown.map((one) => printable([one.account, one.value].filter(Boolean).join(': '))), ...rest];
}

export function summaryLine(checks: readonly Check[]): string {
  const failed = checks.filter((one) => !one.ok).length;
  return failed === 0 ? 'all is well' : `${count(failed)} of ${count(checks.length)} checks failed`;
}
