import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { createStyle, fitted, fittedEnd, printable, table, wrapped } from './output.js';
import { createRecordingShell } from './recording-shell.js';

describe('wrapped', () => {
  it('breaks at blanks, and indents what follows', () => {
    expect(wrapped('renew the secret, then go on', 12, '  ')).toEqual(['renew the', '  secret,', '  then go on']);
    expect(wrapped('  a b', 80, '    ')).toEqual(['  a b']);
    expect(wrapped('', 80)).toEqual(['']);
  });

  it('loses nothing, and is never wider than there is room', () => {
    const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { maxLength: 12 });
    fc.assert(
      fc.property(words, fc.integer({ min: 8, max: 60 }), (all, columns) => {
        const text = printable(all.join(' ')).trim();
        const lines = wrapped(text, columns, '  ');
        expect(lines.every((line) => stringWidth(line) <= columns)).toBe(true);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      }),
    );
  });
});

describe('table', () => {
  it('aligns text left and numbers right, whatever their colours', () => {
    const { green } = createStyle(createRecordingShell({ isTty: true }).shell);

    expect(
      table(
        ['NAME', 'ITEMS', 'STATE'],
        [
          ['ä', 5, green('done')],
          ['folder', 1200, 'todo'],
        ],
      ),
    ).toEqual(['NAME    ITEMS  STATE', `ä           5  ${green('done')}`, 'folder   1200  todo']);
  });

  it('stands in columns whatever the script', () => {
    const lines = table(
      ['folder', 'n'],
      [
        ['会議資料フォルダ', 1],
        ['Sent', 2],
        ['👨‍👩‍👧 Familie', 3],
        ['e\u0301te\u0301', 4],
      ],
    );

    expect(new Set(lines.map((line) => stringWidth(line))).size).toBe(1);
  });

  it('may have no rows', () => {
    expect(table(['NAME', 'STATE'], [])).toEqual(['NAME  STATE']);
  });
});

describe('colours', () => {
  it.each([
    [{ isTty: true }, true, '\u001b[31mx\u001b[39m'],
    [{ isTty: false }, true, 'x'],
    [{ isTty: true }, false, 'x'],
    [{ isTty: true, env: { NO_COLOR: '1' } }, true, 'x'],
    [{ isTty: true, env: { NO_COLOR: '' } }, true, '\u001b[31mx\u001b[39m'],
    [{ isTty: true, env: { TERM: 'dumb' } }, true, 'x'],
  ])('%j, --color %s', (given, color, text) => {
    expect(createStyle(createRecordingShell(given).shell, color).red('x')).toBe(text);
  });
});

describe('fitted', () => {
  it('takes no more columns than there are, and all that have room', () => {
    const letter = fc.constantFrom('a', '会', '👨‍👩‍👧', 'e\u0301', ' ', 'ﾊ');
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 40 }), fc.integer({ min: 2, max: 30 }), (letters, columns) => {
        const text = letters.join('');
        for (const shorten of [fitted, fittedEnd]) {
          const shown = shorten(text, columns);
          expect(stringWidth(shown)).toBeLessThanOrEqual(columns);
          if (stringWidth(text) <= columns) expect(shown).toBe(text);
          else expect(stringWidth(shown)).toBeGreaterThanOrEqual(columns - 1);
        }
      }),
    );
  });

  it('shows the end of a path', () => {
    expect([fittedEnd('会議資料/会議資料.mp4', 10), fitted('会議資料/会議資料.mp4', 10)]).toEqual([
      '…資料.mp4',
      '会議資料/…',
    ]);
  });
});

describe('printable', () => {
  it('shows what would drive the terminal', () => {
    expect(printable('a\u001b[2J\u009b\u202eb\n')).toBe('a\\u001b[2J\\u009b\\u202eb\\u000a');
  });
});
