/** How commands print: one value as text, JSON or YAML; tables; colours where they are wanted. */
import stringWidth from 'string-width';
import { visibleText } from '../words/visible-text.js';
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
  const widths = header.map((_, column) => widest(cells.map((row) => row[column] ?? '')));
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

/** Columns that the text takes on a terminal, colours apart: CJK and emoji take two, accents none. */
function width(text: string): number {
  if (text.length <= LONG) return stringWidth(text);
  // In parts: the whole of a very long text would take the square of its length. A letter on an edge may count twice.
  let columns = 0;
  for (let at = 0; at < text.length; at += LONG) columns += stringWidth(text.slice(at, at + LONG));
  return columns;
}

const LONG = 500;

/** The text with blanks behind it, so that it takes so many columns. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

/** The widest of the texts. */
export const widest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, width(text)), 0);

const LETTERS = new Intl.Segmenter();

/** The text, cut where it takes more columns than there are; an ellipsis stands for the rest. */
export function fitted(text: string, columns: number): string {
  const kept = lettersWithin(lettersOf(text, columns), columns);
  return kept === undefined ? text : `${kept.join('')}…`;
}

/**
 * The text in lines of at most so many columns, broken at blanks: what a person is to do is never cut. `indent` stands in
 * front of all lines but the first. A word that is longer than a line, such as a path, is broken where the line ends.
 */
export function wrapped(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  const start = /^ */.exec(text)?.[0] ?? '';
  let line = start;
  let isEmpty = true;
  const end = (): void => {
    lines.push(line);
    [line, isEmpty] = [indent, true];
  };
  for (const word of text.slice(start.length).split(' ')) {
    if (!isEmpty && width(line) + 1 + width(word) > columns) end();
    line = isEmpty ? line + word : `${line} ${word}`;
    isEmpty = false;
    // Room for one letter at least, however narrow.
    while (width(line) > Math.max(columns, indent.length + 2)) {
      const kept = startOf(line, Math.max(columns, indent.length + 2));
      const rest = line.slice(kept.length);
      line = kept;
      end();
      line += rest;
      isEmpty = false;
    }
  }
  return [...lines, line];
}

/** As many letters from the start as take so many columns. */
function startOf(text: string, columns: number): string {
  let kept = '';
  let taken = 0;
  for (const { segment } of LETTERS.segment(text)) {
    taken += width(segment);
    if (taken > columns) return kept;
    kept += segment;
  }
  return kept;
}

/** As much of the end of the text as there is room for. */
export function fittedEnd(text: string, columns: number): string {
  const kept = lettersWithin(lettersOf(text, columns, true), columns);
  return kept === undefined ? text : `…${kept.reverse().join('')}`;
}

/** The text, cut in its middle: of a path, what stands above it and its own name. The end gets the larger half. */
export function fittedMiddle(text: string, columns: number): string {
  if (text.length <= 16 * columns && width(text) <= columns) return text;
  const start = Math.floor((columns - 1) / 2);
  // Both end in an ellipsis, of which one is enough.
  return start < 1
    ? fittedEnd(text, columns)
    : fitted(text, start).replace(/…$/, '') + fittedEnd(text, columns - start + 1);
}

/** More than could be shown is not taken apart: names may be long, and this runs several times a second. */
function lettersOf(text: string, columns: number, fromEnd = false): string[] {
  const most = 16 * columns;
  const near = text.length <= most ? text : fromEnd ? text.slice(-most) : text.slice(0, most);
  const letters = [...LETTERS.segment(near)].map(({ segment }) => segment);
  return fromEnd ? letters.reverse() : letters;
}

/** Undefined: all of them have room. Else those that leave room for an ellipsis. */
function lettersWithin(letters: readonly string[], columns: number): string[] | undefined {
  const kept: string[] = [];
  let taken = 0;
  let cut: number | undefined;
  for (const letter of letters) {
    taken += width(letter);
    if (taken > columns - 1) cut ??= kept.length;
    if (taken > columns) return kept.slice(0, cut);
    kept.push(letter);
  }
  return undefined;
}

/** Makes what acts unseen in foreign text (folder names, server replies) visible, so that it cannot drive the terminal. */
export const printable = visibleText;
