/** How commands print: one value as text, JSON or YAML; tables; colours where they are wanted. */
import { stripVTControlCharacters } from 'node:util';
import type { Shell } from './shell.js';

export const OUTPUT_FORMATS = ['text', 'json', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/**
 * Prints `value` to stdout in the format asked for. `text` makes the lines for people and is called for
 * `text` only. JSON is one document, indented by two.
 */
export async function print(
  shell: Shell,
  format: OutputFormat,
  value: unknown,
  text: () => readonly string[],
): Promise<void> {
  switch (format) {
    case 'text':
      for (const line of text()) shell.out(line);
      return;
    case 'json':
      shell.out(JSON.stringify(value, null, 2));
      return;
    case 'yaml': {
      const { stringify } = await import('yaml');
      // Through JSON first, so that both formats show the same value (no undefined, dates as text).
      shell.out(stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0 }).trimEnd());
      return;
    }
    default:
      format satisfies never;
  }
}

type Paint = (text: string) => string;
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

/** Colours on a terminal, unless `--no-color`, NO_COLOR (no-color.org) or TERM=dumb says otherwise. */
export function createStyle(shell: Shell, color = true): Style {
  const wanted = color && shell.isTty && !shell.env.NO_COLOR && shell.env.TERM !== 'dumb';
  const paint = (open: number, close: number): Paint =>
    wanted ? (text) => `\u001b[${open}m${text}\u001b[${close}m` : (text) => text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** Lines with aligned columns, two blanks between; cells that are numbers stand right. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [header, ...rows.map((row) => row.map(String))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ''))));
  const right = header.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  return cells.map((row) =>
    widths
      .map((columnWidth, column) => {
        const cell = row[column] ?? '';
        const blanks = ' '.repeat(columnWidth - width(cell));
        return right[column] ? blanks + cell : cell + blanks;
      })
      .join('  ')
      .trimEnd(),
  );
}

function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Makes control characters of foreign text (folder names, server replies) visible, so that they cannot drive the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = (character.codePointAt(0) as number).toString(16);
    return `\\u${code.padStart(4, '0')}`;
  });
}
