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
 * Reads the bytes of the file; problems come with their line and column, the first thousand of them. Tolerated: a byte order mark,
 * CRLF, blank lines, blanks around cells, and ";" or a tab instead of "," (as spreadsheets save it).
 */
export function readAccounts(
  file: string,
  bytes: Uint8Array,
): { readonly accounts: Account[] } | { readonly problems: Diagnostic[] } {
  const at = (line: number, column: number, message: string): Diagnostic => ({ file, line, column, message, path: '' });
  if (bytes.byteLength > MAX_ACCOUNTS_FILE_BYTES) {
    return { problems: [at(1, 1, 'the file is larger than 16 MiB; split it over several specs')] };
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problems: [at(1, 1, 'the file is not UTF-8; save it as "CSV UTF-8"')] };
  }
  const lines = text.split(/\r\n|\n|\r/);
  const delimiter = [',', ';', '\t'].find((mark) => lines[0]?.includes(mark)) ?? ',';
  const rows = readRows(text, delimiter);
  if (!Array.isArray(rows)) return { problems: [at(rows.line, 1, rows.message)] };
  const [header, ...entries] = rows;
  if (header === undefined) return { problems: [at(1, 1, 'the file is empty; its first line must be from,to')] };
  const place = (row: Row, cell: number): number => cellColumn(lines[row.line - 1] ?? '', delimiter, cell);

  // A file that is none has a thousand wrong columns; the place of each is looked for from the line's beginning.
  const headerProblems = checkHeader(header)
    .slice(0, MAX_HEADER_PROBLEMS)
    .map(([cell, message]) => at(header.line, place(header, cell), message));
  if (headerProblems.length > 0) return { problems: headerProblems };
  if (entries.length === 0) return { problems: [at(header.line, 1, 'no accounts follow the header')] };

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
    if (row.cells.length > header.cells.length) {
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
  return problems.length > 0 ? { problems } : { accounts };
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

function checkHeader(header: Row): [number, string][] {
  const problems: [number, string][] = [];
  for (const [cell, name] of header.cells.entries()) {
    if (!(COLUMNS as readonly string[]).includes(name)) {
      problems.push([
        cell,
        `unknown column ${quote(name)}${didYouMean(name, COLUMNS) || '; the columns are from and to'}`,
      ]);
    } else if (header.cells.indexOf(name) !== cell) {
      problems.push([cell, `a second column ${quote(name)}; remove one`]);
    }
  }
  for (const name of COLUMNS) {
    if (!header.cells.includes(name))
      problems.push([0, `the column ${quote(name)} is missing; the first line must be from,to`]);
  }
  return problems;
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
