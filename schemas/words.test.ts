import { describe, expect, it } from 'vitest';
import { cronProblem, longestGapMs, readCron } from './cron.js';
import { sortDiagnostics } from './diagnostic.js';
import { parseDuration } from './duration.js';
import { createFolderMatcher, folderGlobProblem } from './folder-globs.js';
import { canonicalJson, specHash } from './hash.js';
import type { Spec } from './spec.js';
import { damerauDistance, suggest } from './suggest.js';

describe('suggest', () => {
  it.each([
    ['mial', 'mail'],
    ['pasword', 'password'],
    ['Host', 'host'],
    ['selectoins', 'selections'],
  ])('%s means %s', (word, meant) => {
    expect(suggest(word, ['mail', 'password', 'host', 'selections'])).toBe(meant);
  });
  it('says nothing about another word', () => {
    expect(suggest('calendar', ['mail', 'host'])).toBeUndefined();
    expect(suggest('x', ['to'])).toBeUndefined();
  });
  it('counts a swap once', () => {
    expect(damerauDistance('form', 'from')).toBe(1);
    expect(damerauDistance('', 'abc')).toBe(3);
  });
});

describe('parseDuration', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['2w', 1_209_600_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  it.each(['', '1', 'h', '1.5h', '-1h', '1m1h', '1h1h', '1 h', '99999w'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('cronProblem', () => {
  it.each(['* * * * *', '*/15 0-6,22 1 jan-mar mon-fri', '0 2 29 feb *', '5/10 * * * 7', '0 0 1-7 * mon'])(
    'takes %s',
    (text) => {
      expect(cronProblem(text)).toBeUndefined();
    },
  );
  it.each([
    '',
    '@daily',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '*/0 * * * *',
    '5-1 * * * *',
    '1-2-3 * * * *',
    '1, * * * *',
    'a * * * *',
    '* * 31 feb,apr *',
    '0 0 30 2 mon',
    '1/2/3 * * * *',
  ])('refuses %s', (text) => {
    expect(cronProblem(text)).toMatch(/^cron /);
  });
});

describe('longestGapMs', () => {
  const HOUR = 3_600_000;
  it.each([
    ['*/15 * * * *', 15 * 60_000],
    ['0 8-18 * * *', 14 * HOUR],
    ['0 2 * * *', 24 * HOUR],
    ['30 2 * * mon-fri', 72 * HOUR],
    ['0 0 1 * *', 31 * 24 * HOUR],
    ['0 0 31 * *', 61 * 24 * HOUR],
    // The first Monday of a month is at most five weeks after the last one.
    ['0 0 1-7 * mon', 35 * 24 * HOUR],
    ['0 0 1 jan *', 366 * 24 * HOUR],
    ['0 0 29 feb *', 1461 * 24 * HOUR],
  ])('of %s', (cron, gap) => {
    const times = readCron(cron);
    if (typeof times === 'string') throw new Error(times);
    expect(longestGapMs(times)).toBe(gap);
  });
});

describe('folder globs', () => {
  it.each([
    ['INBOX', 'INBOX', true],
    ['*', 'A/B', false],
    ['**', 'A/B', true],
    ['Projects/**', 'Projects', true],
    ['Projects/**', 'Projects/2020/x', true],
    ['Projects/**', 'Projectsx', false],
    ['[Gmail]/Sent Mail', '[Gmail]/Sent Mail', true],
    ['[Gmail]/*', 'G/Sent', false],
    ['Sent (old)', 'Sent (old)', true],
    ['{Trash,Junk}', 'Junk', true],
    ['.hidden*', '.hidden1', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a|b', 'a', false],
    ['C++', 'C++', true],
  ])('%s on %s: %s', (glob, path, fits) => {
    expect(folderGlobProblem(glob)).toBeUndefined();
    expect(createFolderMatcher([glob])(path)).toBe(fits);
  });
  it.each(['', ' ', '/a', 'a/', '!a', '{a', '***', 'a\\', 'x'.repeat(1001)])('refuses %j', (glob) => {
    expect(folderGlobProblem(glob)).toBeTypeOf('string');
  });
});

describe('specHash', () => {
  const spec: Spec = { version: 1, name: 'a', sources: {}, targets: {}, selections: [] };
  it('does not see the order of keys, and sees values', () => {
    const turned = Object.fromEntries(Object.entries(spec).reverse()) as unknown as Spec;
    expect(specHash(turned)).toBe(specHash(spec));
    expect(specHash({ ...spec, name: 'b' })).not.toBe(specHash(spec));
  });
  it('is made of canonical JSON', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, Z: true })).toBe(
      '{"Z":true,"b":[1,{"c":"x","d":null}]}',
    );
  });
});

describe('sortDiagnostics', () => {
  it('sorts by place and drops repetitions', () => {
    const at = (line: number, column: number) => ({ file: 'f', line, column, message: 'm', path: '' });
    expect(sortDiagnostics([at(10, 1), at(2, 5), at(2, 1), at(2, 5)])).toEqual([at(2, 1), at(2, 5), at(10, 1)]);
  });
});
