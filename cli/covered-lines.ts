/** What an approval covers, as people read it before they give it. */
import type { CoveredItem, Covers } from '../words/covers.js';
import { count, plural, size } from '../words/numbers.js';
import type { ParkedUnit } from '../words/units.js';
import { printable } from './output.js';

/** Nothing for gates that no approval opens. */
export function coveredLines(name: string, { gate, kind, n, covers }: ParkedUnit): string[] {
  if (!covers) return [];
  const lines = gate === 'failures' ? failureLines(covers) : [deletionLine(covers)];
  const shown = covers.first.map((item) => `  ${gate === 'approval' ? '- ' : ''}${itemWords(kind, item)}`);
  const more = covers.items - shown.length;
  const file = `\`migrate approve ${name} --unit ${n} --list FILE\` writes all of them`;
  return [...lines, ...shown, ...(more > 0 ? [`  ${shown.length > 0 ? 'and ' : ''}${count(more)} more: ${file}`] : [])];
}

function deletionLine({ items, system, account }: Covers): string {
  const where = system === undefined ? '' : ` from ${printable(system)}, account ${printable(account ?? '')}`;
  return `deletes ${items === 1 ? '1 copy' : `${count(items)} copies`}${where}:`;
}

function failureLines({ items, causes = [] }: Covers): string[] {
  return [
    `goes on without ${plural(items, 'item')} that failed:`,
    ...causes.map((cause) => `  ${count(cause.items)}: ${printable(cause.reason)}`),
  ];
}

/** By the folder, and what somebody can look for there; never by what it says. */
function itemWords(kind: string, { folder, key, ref, bytes, date, reason }: CoveredItem): string {
  const name = kind === 'calendar' || kind === 'contacts' ? (ref ?? key) : key;
  const words = [
    `${folder === '' ? '' : `${printable(folder)}: `}${printable(name)}`,
    ...(date === undefined ? [] : [date.slice(0, 16).replace('T', ' ')]),
    size(bytes),
  ];
  return `${words.join(', ')}${reason === undefined ? '' : `: ${printable(reason)}`}`;
}
