/** What waits for an approval: named before anybody gives it. */
import type { CoveredItem } from '../words/covers.js';
import { count, size } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import { foldedTable, section } from './tables.js';
import { escapeHtml } from './text.js';
import type { Approval } from './waiting-approvals.js';

/** Rows that the page shows; all of them are in removals.csv. */
const MAX_ROWS = 200;

export function approvals(report: Gathered): string {
  const deletions = report.approvals.filter(({ gate }) => gate === 'approval');
  if (deletions.length === 0) return '';
  const all = deletions.reduce((sum, { covers }) => sum + covers.items, 0);
  if (all === 0) return '';
  const named = deletions.flatMap((waiting) => waiting.covers.first.map((item) => row(waiting, item)));
  const shown = named.slice(0, MAX_ROWS);
  const rest = all - shown.length;
  return section(
    'Deletions that wait for approval',
    `<p>${count(all)} ${all === 1 ? 'copy is' : 'copies are'} deleted once somebody approves ${all === 1 ? 'it' : 'them'} with <code>migrate approve ${escapeHtml(report.migration)}</code>, and ${all === 1 ? 'stays' : 'stay'} otherwise. ${all === 1 ? 'It is' : 'All of them are'} in removals.csv.</p>${foldedTable(HEADS, shown, 'copy', ['unit', 'size'])}${rest > 0 ? `<p class="soft">${count(rest)} more in removals.csv.</p>` : ''}`,
  );
}

const HEADS = ['unit', 'deleted from', 'account', 'folder', 'key', 'copy', 'date', 'size'];

function row({ unit, covers }: Approval, { folder, key, ref, date, bytes }: CoveredItem): string {
  const cells = [covers.system ?? '', covers.account ?? '', folder === '' ? '/' : folder];
  return `<td class="n">${unit.n}</td>${cells.map((text) => `<td>${escapeHtml(text)}</td>`).join('')}<td><code>${escapeHtml(key)}</code></td><td>${ref === undefined ? '' : `<code>${escapeHtml(ref)}</code>`}</td><td>${escapeHtml(date?.slice(0, 16).replace('T', ' ') ?? '')}</td><td class="n">${size(bytes)}</td>`;
}
