/** `accounts: { file: people.csv }`: the header from,to and one pair of accounts a row. */
import type { Info } from 'csv-parse/sync';
import { CsvError, parse } from 'csv-parse/sync';
import { accountName } from './core.js';
import type { Diagnostic } from './diagnostic.js';
import { quote } from './diagnostic.js';
import type { Account } from './spec.js';
import { didYouMean } from './suggest.js';

export const MAX_ACCOUNTS_FILE_BYTES = 16 * 1024 * 1024;
const COLUMNS = ['from', 'to'] as const;
const MAX_HEADER_PROBLEMS = 20;
/** Of a file that was exported wrongly, all rows are wrong in the same way. */
const MAX_PROBLEMS = 1_000;
const ACCOUNT = new RegExp(accountName.pattern as string);

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads the bytes of the file; problems come with their line and column, the first thousand of them. Taken as spreadsheets
 * save it: a first line such as sep=;, semicolons or tabs, a byte order mark, UTF-16, CRLF, blank lines and columns, blanks
 * around cells, names of columns in any letter case. Columns that are not read are noted.
 */
export function readAccounts(
  file: string,
  bytes: Uint8Array,
): { readonly accounts: Account[]; readonly notes: Diagnostic[] } | { readonly problems: Diagnostic[] } {
  const at = (line: number, column: number, message: string): Diagnostic => ({ file, line, column, message, path: '' });
  if (bytes.byteLength > MAX_ACCOUNTS_FILE_BYTES) {
    return { problems: [at(1, 1, 'the file is larger than 16 MiB; split it over several specs')] };
  }
  const decoded = decode(bytes);
  if (decoded === undefined) return { problems: [at(1, 1, NOT_UNICODE)] };
  const [first = ''] = /^.*/.exec(decoded) ?? [];
  const told = SEPARATOR.exec(first)?.[1];
  // Its line stays, so that the others keep their numbers.
  const text = told === undefined ? decoded : decoded.slice(first.length);
  const lines = text.split(/\r\n|\n|\r/);
  const delimiter = told ?? delimiterOf(lines.find((line) => line.trim() !== '') ?? '');
  const rows = readRows(text, delimiter);
  if (!Array.isArray(rows)) return { problems: [at(rows.line, 1, rows.message)] };
  const [written, ...entries] = rows;
  if (written === undefined) return { problems: [at(1, 1, 'the file is empty; its first line must be from,to')] };
  const header = { ...written, cells: written.cells.map((name) => name.toLowerCase()) };
  const place = (row: Row, cell: number): number => cellColumn(lines[row.line - 1] ?? '', delimiter, cell);

  // A file that is none has a thousand wrong columns; the place of each is looked for from the line's beginning.
  const { problems: headerProblems, unread } = checkHeader(header);
  const placed = (found: readonly (readonly [number, string])[]): Diagnostic[] =>
    found.slice(0, MAX_HEADER_PROBLEMS).map(([cell, message]) => at(header.line, place(header, cell), message));
  if (headerProblems.length > 0) return { problems: placed(headerProblems) };
  if (entries.length === 0) return { problems: [at(header.line, 1, 'no accounts follow the header')] };
  const notes = placed(
    unread.map((cell) => [
      cell,
      `the column ${quote(written.cells[cell] as string)} is not read; only from and to are`,
    ]),
  );

  const positions = COLUMNS.map((name) => header.cells.indexOf(name));
  const problems: Diagnostic[] = [];
  const accounts: Account[] = [];
  const firstLines = new Map<string, number>();
  for (const [index, row] of entries.entries()) {
    if (problems.length >= MAX_PROBLEMS) {
      problems.push(at(row.line, 1, `${entries.length - index} more rows were not looked at`));
      break;
    }
    const before = problems.length;
    if (row.cells.slice(header.cells.length).some((cell) => cell !== '')) {
      problems.push(
        at(
          row.line,
          place(row, header.cells.length),
          'more cells than the header has; quote a cell that holds the delimiter',
        ),
      );
    }
    const [from = '', to = ''] = positions.map((cell, side) => {
      const value = row.cells[cell] ?? '';
      const name = COLUMNS[side] as string;
      if (value === '')
        problems.push(at(row.line, place(row, cell), `${name} is blank; name an account or remove the row`));
      else if (value.length > 320 || !ACCOUNT.test(value)) {
        problems.push(at(row.line, place(row, cell), `${name} must be ${accountName.patternErrorMessage}`));
      }
      return value;
    });
    if (problems.length > before) continue;
    const key = JSON.stringify([from, to]);
    const first = firstLines.get(key);
    if (first === undefined) {
      firstLines.set(key, row.line);
      accounts.push({ from, to });
    } else {
      problems.push(at(row.line, 1, `the same pair as in line ${first}; remove one`));
    }
  }
  return problems.length > 0 ? { problems } : { accounts, notes };
}

function readRows(text: string, delimiter: string): Row[] | { readonly line: number; readonly message: string } {
  try {
    const records = parse(text, {
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { readonly info: Info; readonly record: string[] }[];
    return records
      .map(({ info, record }) => ({ line: info.lines, cells: record }))
      .filter((row) => row.cells.some((cell) => cell !== ''));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? error.lines : 1;
    return { line, message: 'not CSV: a quote (") opens or closes in the wrong place; double it inside a quoted cell' };
  }
}

/** What is wrong, by the number of the cell; or the cells of columns that are there for others. */
function checkHeader(header: Row): { readonly problems: [number, string][]; readonly unread: number[] } {
  const problems: [number, string][] = [];
  const missing = COLUMNS.filter((name) => !header.cells.includes(name));
  const strange: number[] = [];
  for (const [cell, name] of header.cells.entries()) {
    if (name === '') continue;
    if (!(COLUMNS as readonly string[]).includes(name)) strange.push(cell);
    else if (header.cells.indexOf(name) !== cell) problems.push([cell, `a second column ${quote(name)}; remove one`]);
  }
  for (const name of missing)
    problems.push([0, `the column ${quote(name)} is missing; the first line must be from,to`]);
  if (missing.length === 0) return { problems, unread: strange };
  // One of them may be meant.
  for (const cell of strange) {
    const name = header.cells[cell] as string;
    problems.push([
      cell,
      `unknown column ${quote(name)}${didYouMean(name, missing) || '; the columns are from and to'}`,
    ]);
  }
  return { problems, unread: [] };
}

/** What Excel writes for itself, and reads. */
const SEPARATOR = /^"?sep=([,;\t])"?$/i;

/** The one by which the line has both columns; where none has, the first that is in it. */
function delimiterOf(line: string): string {
  const marks = [',', ';', '\t'];
  const cellsBy = (mark: string): string[] =>
    line.split(mark).map((cell) => cell.replace(/"/g, '').trim().toLowerCase());
  const fitting = marks.find((mark) => COLUMNS.every((name) => cellsBy(mark).includes(name)));
  return fitting ?? marks.find((mark) => line.includes(mark)) ?? ',';
}

const NOT_UNICODE =
  'the file is not UTF-8, but perhaps Windows-1252: Excel writes that as plain "CSV"; save it as "CSV UTF-8" or as "Unicode Text"';

/** UTF-8, or UTF-16 with a byte order mark; undefined for anything else. */
function decode(bytes: Uint8Array): string | undefined {
  const mark = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
  const form = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(form, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Column, from 1, where a cell of the line begins. */
function cellColumn(line: string, delimiter: string, cell: number): number {
  let quoted = false;
  let seen = 0;
  for (let index = 0; index < line.length && cell > 0; index++) {
    if (line[index] === '"') quoted = !quoted;
    else if (line[index] === delimiter && !quoted && ++seen === cell) return index + 2;
  }
  return cell === 0 ? 1 : line.length + 1;
}
