/** What the spec leaves out as a whole: it is in no number of the report, so it is named here. */
import { count, plural } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import { foldedTable, section } from './tables.js';
import { escapeHtml, pathWords } from './text.js';

export function leftOut({ leftOut: rules, accounts, verdict }: Gathered): string {
  const { filtered } = verdict.leftOut;
  const items =
    filtered > 0
      ? `<p>${plural(filtered, 'item')} in what is moved ${filtered === 1 ? 'is' : 'are'} left out by the filters of the spec, and in no number of this report.</p>`
      : '';
  if (rules.length === 0) return items === '' ? '' : section('Left out by the spec', items);
  const names = new Map(accounts.map(({ unit }) => [unit.n, unit.from]));
  const rows = rules.map(({ selection, rule, containers, units, items, first }) => {
    const shown = first.map(
      ({ unit, path }) => `${pathWords(path === '' ? [] : [path])} (${escapeHtml(names.get(unit) ?? `${unit}`)})`,
    );
    const more = containers - first.length;
    return [
      `<td>${escapeHtml(selection)}</td><td>${escapeHtml(rule)}</td>`,
      `<td class="n">${count(containers)}</td><td class="n">${items === null ? 'not told' : count(items)}</td>`,
      `<td class="n">${count(units)}</td><td>${[...shown, ...(more > 0 ? [`and ${count(more)} more`] : [])].join(', ')}</td>`,
    ].join('');
  });
  return section(
    'Left out by the spec',
    `<p>As the last survey of each account found it. What these hold is in no number of this report.</p>${foldedTable(['selection', 'rule', 'left out', 'items', 'accounts', 'which'], rows, 'rule', ['left out', 'accounts'])}${items}`,
  );
}
