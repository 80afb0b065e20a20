import { describe, expect, it } from 'vitest';
import { createStyle, printable, table } from './output.js';
import { createRecordingShell } from './recording-shell.js';

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

describe('printable', () => {
  it('shows what would drive the terminal', () => {
    expect(printable('a\u001b[2J\u009b\u202eb\n')).toBe('a\\u001b[2J\\u009b\\u202eb\\u000a');
  });
});
