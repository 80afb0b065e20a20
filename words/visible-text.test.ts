import { describe, expect, it } from 'vitest';
import { visibleText } from './visible-text.js';

describe('visibleText', () => {
  it.each([
    ['a\u001b[2J\u009b\u202eb\n', 'a\\u001b[2J\\u009b\\u202eb\\u000a'],
    ['a\u200eb\u061cc', 'a\\u200eb\\u061cc'],
    ['\u{e0001}x', '\\u{e0001}x'],
    ['in\u00advoice', 'in\\u00advoice'],
    ['pay\u200dpal', 'pay\\u200dpal'],
    ['\ufeffa\u2060b\u3164', '\\ufeffa\\u2060b\\u3164'],
    ['a\u2028b', 'a\\u2028b'],
    ['1\ufe0f\ufe0f', '1\ufe0f\ufe0f'],
  ])('%j is shown as %j', (text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });

  it.each(['Büro', '会議資料', '👨‍👩‍👧 Familie', '❤️', 'می\u200cخواهم', 'क्\u200dष', 'Приве́т', 'é'])(
    '%s stays',
    (text) => {
      expect(visibleText(text)).toBe(text);
    },
  );
});
