/** What an approval covers, as people read it before they give it. */
import type { CoveredItem, Covers } from './covers.js';
import { count, plural, size } from './numbers.js';
import type { ParkedUnit } from './units.js';

/** Line by line, with at most so many items; and how many more there are. Nothing for gates that no approval opens. */
export function coveredWords(
  { gate, kind, covers }: ParkedUnit,
  most = Number.POSITIVE_INFINITY,
): { readonly lines: readonly string[]; readonly more: number } {
  if (!covers) return { lines: [], more: 0 };
  const shown = covers.first.slice(0, most).map((item) => `  - ${itemWords(kind, item)}`);
  const head = gate === 'failures' ? failureWords(covers) : [deletionWords(covers)];
  return { lines: [...head, ...shown], more: covers.items - shown.length };
}

function deletionWords({ items, system, account }: Covers): string {
  const where = system === undefined ? '' : ` from ${system}, account ${account}`;
  return `deletes ${items === 1 ? '1 copy' : `${count(items)} copies`}${where}:`;
}

function failureWords({ items, causes = [] }: Covers): string[] {
  return [
    `goes on without ${plural(items, 'item')} that failed:`,
    ...causes.map((cause) => `  ${count(cause.items)}: ${cause.reason}`),
  ];
}

/** By the folder, and what somebody can look for there; never by what it says. */
function itemWords(kind: string, { folder, key, ref, bytes, date, reason }: CoveredItem): string {
  const name = kind === 'calendar' || kind === 'contacts' ? (ref ?? key) : key;
  const words = [
    `${folder === '' ? '' : `${folder}: `}${name}`,
    ...(date === undefined ? [] : [date.slice(0, 16).replace('T', ' ')]),
    size(bytes),
  ];
  return `${words.join(', ')}${reason === undefined ? '' : `: ${reason}`}`;
}
