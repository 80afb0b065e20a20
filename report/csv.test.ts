import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRow } from './csv.js';

/** One cell of a row, without the row's end. */
const cellOf = (value: string | number | null): string => csvRow([value, 'x']).slice(0, -',x\r\n'.length);

/** What a reader does who wants the exact text (docs/report.md): what would get a `'` has one. */
const withoutQuote = (cell: string): string =>
  cell.startsWith("'") && quotes(cellOf(cell)) > quotes(cell) ? cell.slice(1) : cell;
const quotes = (text: string): number => /^"?('*)/.exec(text)?.[1]?.length ?? 0;

describe('csvRow', () => {
  it.each([
    ['=1+1', `'=1+1`],
    ['+49 30 1234', `'+49 30 1234`],
    ['-2', `'-2`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['  =cmd', `'  =cmd`],
    ['\t=cmd', `'\t=cmd`],
    ['\tx', `'\tx`],
    ['＝1', `'＝1`],
    [`'=1`, `''=1`],
    [`''\tx`, `'''\tx`],
    ['\ufeff=1', `'\ufeff=1`],
    ['\u00a0=1', `'\u00a0=1`],
    ['\u200b=1', `'\u200b=1`],
    [' \u200e=cmd', `' \u200e=cmd`],
  ])('keeps %j from running as a formula', (text, cell) => {
    expect(cellOf(text)).toBe(cell);
  });

  it('leaves numbers and plain text alone', () => {
    expect([-3, 'Büro/2024', null, 'a=b', ''].map(cellOf)).toEqual(['-3', 'Büro/2024', '', 'a=b', '']);
  });

  it('quotes what would break the row', () => {
    expect(csvRow(['a,b', 'say "x"', 'two\nlines', ' x', 'x '])).toBe('"a,b","say ""x""","two\nlines"," x","x "\r\n');
  });

  it('reads back as it was written, formulas and all', () => {
    const odd = fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '\n', ' ', '"', ',', '\u200b', '＝', 'x');
    const text = fc
      .oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: odd }))
      .filter((cell) => !cell.includes('\ufeff'));
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 5 }), (cells) => {
        const [row = []] = parse(csvRow(cells), { relax_column_count: true, record_delimiter: '\r\n' }) as string[][];
        expect(row.map(withoutQuote)).toEqual(cells);
      }),
    );
  });
});
