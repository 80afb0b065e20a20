import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCell, csvRow } from './csv.js';

describe('csvCell', () => {
  it.each([
    ['=1+1', `'=1+1`],
    ['+49 30 1234', `'+49 30 1234`],
    ['-2', `'-2`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['  =cmd', `'  =cmd`],
    ['\t=cmd', `'\t=cmd`],
    ['＝1', `'＝1`],
  ])('keeps %j from running as a formula', (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  it('leaves numbers and plain text alone', () => {
    expect([csvCell(-3), csvCell('Büro/2024'), csvCell(null), csvCell('a=b')]).toEqual(['-3', 'Büro/2024', '', 'a=b']);
  });

  it('quotes what would break the row', () => {
    expect(csvRow(['a,b', 'say "x"', 'two\nlines'])).toBe('"a,b","say ""x""","two\nlines"\r\n');
  });

  it('reads back as it was written, formulas aside', () => {
    const text = fc
      .string({ unit: 'grapheme' })
      .filter((cell) => !csvCell(cell).includes(`'`) && !cell.includes('\ufeff'));
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 5 }), (cells) => {
        expect(parse(csvRow(cells), { relax_column_count: true, record_delimiter: '\r\n' })[0]).toEqual(cells);
      }),
    );
  });
});
