/** Rows for spreadsheets: RFC 4180, and no cell that a spreadsheet would run as a formula. */

/** What Excel, LibreOffice and Sheets take for a formula, their full-width forms included. */
const FORMULA = /^(?:\s|\p{Cc})*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/u;

/**
 * One cell. Text that could be a formula gets a `'` before it (CWE-1236), so items.json is where the exact value
 * is. Numbers stay numbers.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One row with its line end, CRLF as RFC 4180 has it. */
export function csvRow(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}
