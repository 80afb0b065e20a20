/** Which folders of a tree are looked into, and which globs fit nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ItemRef } from '../../connectors/contract.js';
import { unseen } from '../../connectors/kinds/files.js';
import type { Filter, Selection } from '../../schemas/spec.js';
import { FittingGlobs } from './fitting-globs.js';
import { coversItem, wantedPath } from './selecting.js';
import { opensFolder } from './selecting-files.js';

const selection = (filters: Partial<Selection>): Selection => ({
  name: 'all',
  kind: 'files',
  from: 'old',
  to: 'new',
  ...filters,
});

const entry = (key: string): ItemRef => ({
  key,
  version: '1',
  bytes: 1,
  rank: 0,
  meta: { type: key.endsWith('/') ? 'folder' : 'file' },
});

const foldersAbove = (key: string): string[] =>
  [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index + 1)).filter((folder) => folder !== key);

const name = fc.constantFrom('a', 'b', 'Büro', 'Bu\u0308ro', '.c', 'a b', 'x{1}');
const level = fc.constantFrom(
  'a',
  'b',
  'B*',
  '?',
  '*',
  '**',
  'Büro',
  '{a,b}',
  '{a,b/a}',
  'a\\*',
  'x\\{1\\}',
  '.*',
  'a**',
);
const glob = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const globs = fc.option(fc.array(glob, { minLength: 1, maxLength: 2 }), { nil: undefined });
const filter = fc.record({ folders: globs, files: globs }).map(
  ({ folders, files }): Filter => ({
    ...(folders && { folders }),
    ...(files && { files }),
  }),
);
const key = fc
  .tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([names, folder]) => names.join('/') + (folder ? '/' : ''));

describe('a folder', () => {
  it('is looked into wherever it holds what is covered', () => {
    fc.assert(
      fc.property(filter, filter, key, (include, exclude, path) => {
        const chosen = selection({ include, exclude });
        if (!coversItem(chosen)(entry(path))) return;
        const opens = opensFolder(chosen);
        expect(foldersAbove(path).filter((folder) => !opens(folder))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is covered as one that cannot be shown wherever it may hold what is', () => {
    fc.assert(
      fc.property(filter, filter, key, (include, exclude, path) => {
        const covers = coversItem(selection({ include, exclude }));
        if (!covers(entry(path))) return;
        for (const folder of foldersAbove(path)) expect(covers(unseen(folder, 'no'))).toBe(true);
        expect(covers(unseen(path, 'no'))).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it.each([
    [{ exclude: { folders: ['tmp'] } }, ['tmp/', 'tmp/a/'], ['a/', 'a/tmp/']],
    [{ exclude: { folders: ['**/tmp'] } }, ['tmp/', 'a/tmp/', 'a/tmp/b/'], ['a/']],
    [{ include: { folders: ['a/b'] } }, ['c/', 'a/c/'], ['a/', 'a/b/', 'a/b/c/']],
    [{ include: { folders: ['a/*/c'] } }, ['b/', 'a/x/d/'], ['a/', 'a/x/', 'a/x/c/', 'a/x/c/d/']],
    [{ include: { files: ['a/*.pdf'] } }, ['b/', 'a/b/'], ['a/']],
    [{ include: { files: ['**/*.pdf'] } }, [], ['b/', 'a/b/']],
  ])('is opened as %j says', (filters, closed, open) => {
    const opens = opensFolder(selection(filters));
    expect(closed.filter(opens)).toEqual([]);
    expect(open.filter(opens)).toEqual(open);
  });
});

describe('names in another Unicode form', () => {
  const [composed, decomposed] = ['Büro', 'Bu\u0308ro'];

  it.each([
    [composed, decomposed],
    [decomposed, composed],
  ])('are the same to globs and maps', (glob, there) => {
    const covers = (filters: Partial<Selection>, path: string): boolean => coversItem(selection(filters))(entry(path));
    expect(covers({ include: { folders: [`${glob}/**`] } }, `${there}/Akte.txt`)).toBe(true);
    expect(covers({ include: { files: [`**/${glob}.txt`] } }, `a/${there}.txt`)).toBe(true);
    expect(covers({ exclude: { folders: [glob] } }, `${there}/a`)).toBe(false);
    const map = { folders: { [glob]: 'Office' } };
    expect(wantedPath(selection({ map }), `${there}/a/${there}`)).toBe(`Office/a/${there}`);
  });
});

describe('globs that fit nothing', () => {
  it('are named, and others are not', () => {
    const globs = new FittingGlobs({
      include: { folders: ['Büro/**', 'Archive', '**'], files: ['**/*.pdf'] },
      exclude: { folders: ['tmp', 'Trash'], files: ['*.bak'] },
    });
    for (const one of ['Bu\u0308ro/', 'Bu\u0308ro/a.pdf', 'tmp/', 'x.txt']) globs.seeEntry(entry(one));
    expect(globs.said()).toEqual([
      'exclude.files "*.bak" fits nothing in the source',
      'exclude.folders "Trash" fits nothing in the source',
      'include.folders "Archive" fits nothing in the source',
    ]);
  });
});
