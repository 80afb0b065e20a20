/** What the spec leaves out as a whole: it is in no number of the report, so it is named here. */
import { count } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import { section, tableOf } from './tables.js';
import { escapeHtml } from './text.js';

export function leftOut({ leftOut: rules, accounts }: Pick<Gathered, 'leftOut' | 'accounts'>): string {
  if (rules.length === 0) return '';
  const names = new Map(accounts.map(({ unit }) => [unit.n, unit.from]));
  const rows = rules.map(({ selection, rule, containers, units, items, first }) => {
    const shown = first.map(
      ({ unit, path }) => `${escapeHtml(path || '/')} (${escapeHtml(names.get(unit) ?? `${unit}`)})`,
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
    `<p>As the last survey of each account found it. What these hold is in no number of this report.</p>${tableOf(['selection', 'rule', 'left out', 'items', 'accounts', 'which'], rows, ['left out', 'accounts'])}`,
  );
}
