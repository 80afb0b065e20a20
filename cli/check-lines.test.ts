import { expect, it } from 'vitest';
import type { Check } from '../words/check.js';
import { checkLines, summaryLine } from './check-lines.js';
import type { Style } from './output.js';

const plain = (text: string): string => text;
const style: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain };

const names = (count: number): { account: string }[] =>
  Array.from({ length: count }, (_, n) => ({ account: `user${n}@old` }));

it('says what is well in a line, and under what is not whom it concerns and what to do', () => {
  const checks: Check[] = [
    { subject: 'source old', check: 'credentials', ok: true, value: '1,000 accounts log in' },
    {
      subject: 'source old',
      check: 'credentials',
      ok: false,
      value: '3 accounts: wrong login',
      fix: 'renew it',
      accounts: names(3),
    },
    {
      subject: 'target new',
      check: 'room',
      ok: false,
      value: '2 accounts without room for what is to be moved',
      fix: 'make room',
      accounts: [
        { account: 'anna@new', value: '98 MB to move, 50 MB free' },
        { account: 'bela@new', value: '12 MB to move, 1.0 MB free' },
      ],
    },
  ];
  expect([...checkLines(checks, style), summaryLine(checks)]).toEqual([
    '✓ source old  credentials  1,000 accounts log in',
    '✗ source old  credentials  3 accounts: wrong login',
    '              user0@old, user1@old, user2@old',
    '              → renew it',
    '✗ target new  room         2 accounts without room for what is to be moved',
    '              anna@new: 98 MB to move, 50 MB free',
    '              bela@new: 12 MB to move, 1.0 MB free',
    '              → make room',
    '2 of 3 checks failed',
  ]);
});

it('shows ten names, and where the others are', () => {
  const check = { subject: 's', check: 'credentials', ok: false, value: '40 accounts: no', accounts: names(30) };
  const [, line] = checkLines([{ ...check, unlisted: 10 }], style);
  expect(line).toContain('user9@old, and 30 more: -o json names them');
  expect(line).not.toContain('user10@old');
});

it('does not repeat the one name that the sentence has', () => {
  const accounts = [{ account: 'anna@new', value: '98 MB to move, 50 MB free' }];
  const check = { subject: 't', check: 'room', ok: false, value: '98 MB to move, 50 MB free in anna@new', accounts };
  expect(checkLines([check], style)).toHaveLength(1);
});

it('prints nothing of an account that could steer a terminal', () => {
  const accounts = [{ account: 'a\u001b[31m' }, { account: 'b' }];
  const lines = checkLines([{ subject: 's', check: 'x', ok: false, value: '2 accounts', accounts }], style);
  expect(lines.join('')).not.toContain('\u001b');
});

it('keeps what is to be done whole on a narrow terminal', () => {
  const fix = 'set OLD_PASSWORD to the right password in the environment of the worker and start it again';
  const check = { subject: 'source old', check: 'credentials', ok: false, value: 'the login is refused by it', fix };
  expect(checkLines([check], style, 50)).toEqual([
    '✗ source old  credentials  the login is refused by',
    '                           it',
    '              → set OLD_PASSWORD to the right',
    '                password in the environment of the',
    '                worker and start it again',
  ]);
});

it('stays readable where a terminal is narrow', () => {
  const value = 'DroverMigration, DroverSelection, DroverKind';
  const checks: Check[] = [{ subject: 'temporal', check: 'search attributes', ok: true, value }];
  expect(checkLines(checks, style, 40)).toEqual([
    '✓ temporal  search attributes ',
    '    DroverMigration, DroverSelection,',
    '    DroverKind',
  ]);
});
