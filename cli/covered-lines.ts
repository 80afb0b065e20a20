/** What an approval covers, on a terminal, and where all of it is. */
import { coveredWords } from '../words/covered-words.js';
import { count } from '../words/numbers.js';
import type { ParkedUnit } from '../words/units.js';
import { printable } from './output.js';

/** Nothing for gates that no approval opens. */
export function coveredLines(name: string, gate: ParkedUnit): string[] {
  const { lines, more } = coveredWords(gate);
  const file = `\`migrate approve ${name} --unit ${gate.n} --list FILE\` writes all of them`;
  const rest = more > 0 ? [`  ${gate.covers?.first.length === 0 ? '' : 'and '}${count(more)} more: ${file}`] : [];
  return [...lines.map(printable), ...rest];
}
