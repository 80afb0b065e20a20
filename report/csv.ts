/** Rows for spreadsheets: RFC 4180, and no cell that a spreadsheet would run as a formula. */
import { stringify } from 'csv-stringify/sync';

/**
 * What Excel, LibreOffice and Sheets take for a formula, their full-width forms included, also behind blanks and
 * characters that are not seen. csv-stringify's own `escape_formulas` looks at the first character only. Behind any `'`
 * too: so who takes one `'` away from a text of this form has the exact value, whatever it began with.
 */
const FORMULA = /^'*[\s\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;
/** They would begin another cell or row. */
const MOVING = /^'*[\t\r]/;

const FORM = {
  record_delimiter: '\r\n',
  // Blanks at the ends are lost by many readers where there are no quotes; a lone CR or LF ends a row for others.
  quoted_match: /[\r\n]|^\s|\s$/,
} as const;

/**
 * One row with its line end, CRLF as RFC 4180 has it. Text that could be a formula gets a `'` before it (CWE-1236), which
 * a reader takes away again. Numbers stay numbers.
 */
export function csvRow(cells: readonly (string | number | null)[]): string {
  return stringify([cells.map(harmless)], FORM);
}

function harmless(cell: string | number | null): string | number | null {
  return typeof cell === 'string' && isActive(cell) ? `'${cell}` : cell;
}

const isActive = (text: string): boolean => FORMULA.test(text) || MOVING.test(text);
