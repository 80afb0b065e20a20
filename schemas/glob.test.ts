import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';
import { createFolderMatcher, folderGlobProblem } from './folder-globs.js';
import { createGlobMatcher } from './glob.js';

const fits = (glob: string, path: string): boolean => createGlobMatcher(glob)(path);

describe('globs', () => {
  it.each([
    ['a/**', 'a', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'ab', false],
    ['**/a', 'a', true],
    ['**/a', 'x/y/a', true],
    ['**/a', 'xa', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['**/*.doc', 'a.doc', true],
    ['{a,b/**}/c', 'b/x/c', true],
    ['{a,{b,c}d}e', 'cde', true],
    ['{a}', '{a}', true],
    ['a\\{b', 'a{b', true],
    ['{a\\,b,c}', 'a,b', true],
    ['"a"', '"a"', true],
    ['?', '🎉', true],
    ['?', '/', false],
    ['*', 'two\nlines', true],
    ['**', 'in/two\nlines', true],
    ['A', 'a', false],
  ])('%j on %j: %s', (glob, path, whether) => {
    expect(fits(glob, path)).toBe(whether);
  });

  it('mean what they mean elsewhere', () => {
    const level = fc.constantFrom('a', 'b', 'ab', 'a.b', '*', 'a*', '*b', '?', '{a,b}', '{a,*}b', '**', '{a/b,b}');
    const globs = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'a.b', 'aab'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(globs, path, (glob, names) => {
        fc.pre(!glob.includes('**/**'));
        expect(fits(glob, names.join('/'))).toBe(picomatch(glob, { dot: true })(names.join('/')));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['{a', 'a{b,{c}', '{1..3}'])('%j is no glob', (glob) => {
    expect(folderGlobProblem(glob)).toBeTypeOf('string');
  });

  it('end, whatever the name', () => {
    const glob = `${'*a'.repeat(100)}b`;
    expect(folderGlobProblem(glob)).toBeUndefined();
    expect(createFolderMatcher([glob, '**/a/**/a/**/a/**/b'])('a/'.repeat(2_000).concat('a'.repeat(2_000)))).toBe(
      false,
    );
  });
});
