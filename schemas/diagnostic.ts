import { visibleText } from '../words/visible-text.js';

/** One problem or warning of a spec, at the place where a person can mend it. */
export interface Diagnostic {
  /** The file as the person named it, or a CSV file as the spec names it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  /** What is wrong and the way out; lower case, no full stop, never a secret. */
  readonly message: string;
  /** JSON Pointer (RFC 6901) into the spec; empty for the document as a whole. */
  readonly path: string;
  /** Present where the spec works as it stands: `warning`, perhaps not as it is meant; `note`, and that is worth knowing. */
  readonly severity?: 'warning' | 'note';
}

/** `file:line:column: message`, which editors and terminals turn into a link; `warning: ` or `note: ` stands before the message of one. */
export function formatDiagnostic({ file, line, column, message, severity }: Diagnostic): string {
  return `${file}:${line}:${column}: ${severity === undefined ? '' : `${severity}: `}${message}`;
}

/** In reading order, each problem once; the first file stays first. */
export function sortDiagnostics(problems: readonly Diagnostic[]): Diagnostic[] {
  const order = new Map<string, number>();
  for (const { file } of problems) if (!order.has(file)) order.set(file, order.size);
  const rank = (file: string): number => order.get(file) ?? order.size;
  const sorted = [...problems].sort(
    (a, b) =>
      rank(a.file) - rank(b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      (a.message < b.message ? -1 : a.message > b.message ? 1 : 0),
  );
  const seen = new Set<string>();
  return sorted.filter((problem) => {
    const text = formatDiagnostic(problem);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

/** A word of the spec as messages show it: quoted, cut, and with what is not seen made visible. */
export function quote(word: string): string {
  const cut = [...word].length > 60 ? `${[...word].slice(0, 59).join('')}…` : word;
  return `"${visibleText(cut)}"`;
}

/** `a`, `a or b`, `a, b or c`. */
export function oneOfWords(words: readonly string[]): string {
  return listed(words, 'or');
}

/** `a`, `a and b`, `a, b and c`. */
export function allOfWords(words: readonly string[]): string {
  return listed(words, 'and');
}

function listed(words: readonly string[], last: 'or' | 'and'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words[words.length - 1]}`;
}
