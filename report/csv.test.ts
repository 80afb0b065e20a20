import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRow } from './csv.js';

/** One cell of a row, without the row's end. */
const cellOf = (value: string | number | null): string => csvRow([value, 'x']).slice(0, -',x\r\n'.length);

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

  it('reads back as it was written, formulas aside', () => {
    const text = fc
      .string({ unit: 'grapheme' })
      .filter((cell) => !csvRow([cell]).includes(`'`) && !cell.includes('\ufeff'));
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 5 }), (cells) => {
        expect(parse(csvRow(cells), { relax_column_count: true, record_delimiter: '\r\n' })[0]).toEqual(cells);
      }),
    );
  });
});
