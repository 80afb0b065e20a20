import { describe, expect, it } from 'vitest';
import type { ItemRef } from '../../connectors/contract.js';
import type { Filter, Selection } from '../../schemas/spec.js';
import { leavesOut } from './left-out.js';
import { coversItem, wantedContainer, wantedPath } from './selecting.js';

const NOW = Date.parse('2026-03-01T00:00:00Z');
const all: Selection = { name: 'all', kind: 'files', from: 'old', to: 'new' };

/** An entry of a tree, by its path. */
function entry(key: string, modified = '2026-02-01T00:00:00Z', bytes = 100): ItemRef {
  const type = key.endsWith('/') ? 'folder' : 'file';
  return { key, version: '', bytes, rank: 0, meta: { type, modified } };
}

const TREE = [
  'a.txt',
  'Projects/',
  'Projects/one.docx',
  'Projects/Alpha/',
  'Projects/Alpha/deep/',
  'Projects/Alpha/deep/x.jpg',
  'Projects/Beta/',
  'Projects/Beta/node_modules/',
  'Projects/Beta/node_modules/y.js',
  'Projectsx/',
  'Projectsx/z.txt',
];

function covered(filters: { readonly include?: Filter; readonly exclude?: Filter }): string[] {
  const covers = coversItem({ ...all, ...filters }, NOW);
  return TREE.filter((key) => covers(entry(key)));
}

describe('files by folder', () => {
  it('covers everything where nothing is said', () => {
    expect(covered({})).toEqual(TREE);
    expect(covered({ include: { folders: ['**'] } })).toEqual(TREE);
  });

  it.each([['Projects'], ['Projects/**'], ['Pro?ects'], ['{Projects,Other}']])('%s stands for all below it', (glob) => {
    expect(covered({ include: { folders: [glob] } })).toEqual(TREE.filter((key) => key.startsWith('Projects/')));
  });

  it('takes single levels', () => {
    expect(covered({ include: { folders: ['Projects/A*'] } })).toEqual([
      'Projects/Alpha/',
      'Projects/Alpha/deep/',
      'Projects/Alpha/deep/x.jpg',
    ]);
  });

  it.each([['**/node_modules'], ['**/node_modules/**'], ['Projects/*/node_modules']])('leaves out %s', (glob) => {
    expect(covered({ exclude: { folders: [glob] } })).toEqual(TREE.filter((key) => !key.includes('node_modules')));
  });

  it('leaves out what is below an excluded folder, though it is included', () => {
    const filters = {
      include: { folders: ['Projects/Beta/node_modules', 'Projectsx'] },
      exclude: { folders: ['*/Beta'] },
    };
    expect(covered(filters)).toEqual(['Projectsx/', 'Projectsx/z.txt']);
  });

  it('has one container, which is always covered', () => {
    const only = { ...all, include: { folders: ['Projects'] } };
    expect(leavesOut(only, [])({ path: [] })).toBeUndefined();
    expect(leavesOut({ ...only, kind: 'mail' }, [])({ path: ['INBOX'] })).toBe('include.folders');
  });
});

describe('files by what they are', () => {
  it('covers only files of a glob, and folders as they lead there', () => {
    expect(covered({ include: { files: ['**/*.{jpg,txt}'] } })).toEqual([
      'a.txt',
      'Projects/Alpha/deep/x.jpg',
      'Projectsx/z.txt',
    ]);
    expect(covered({ include: { files: ['*'] } })).toEqual(['a.txt']);
  });

  it('keeps the folders that are named beside a glob', () => {
    expect(covered({ include: { folders: ['Projects/Alpha'], files: ['**/*.txt'] } })).toEqual([
      'Projects/Alpha/',
      'Projects/Alpha/deep/',
    ]);
  });

  it.each<[string, Filter]>([
    ['files', { files: ['**'] }],
    ['size', { larger: 0 }],
    ['age', { olderThan: '1d' }],
    ['date', { since: '2026-01-01' }],
    ['type', { types: ['image/*', 'text/*', 'application/*'] }],
  ])('takes no folder away by %s', (_, exclude) => {
    expect(covered({ exclude })).toEqual(TREE.filter((key) => key.endsWith('/')));
  });

  it('takes types by the ending of the name', () => {
    const covers = coversItem({ ...all, include: { types: ['image/*', 'application/pdf'] } }, NOW);
    expect(['a/x.JPG', 'a/y.pdf', 'pdf', 'a/z'].map((key) => covers(entry(key)))).toEqual([true, true, false, false]);
  });

  it.each<[string, Filter, boolean]>([
    ['2026-02-22T00:00:00Z', { newerThan: '1w' }, true],
    ['2026-02-21T23:59:59Z', { newerThan: '1w' }, false],
    ['2026-02-22T00:00:00Z', { olderThan: '1w' }, false],
    ['2026-02-21T23:59:59.999Z', { olderThan: '1w' }, true],
    ['2026-02-21T12:00:00Z', { olderThan: '1w', newerThan: '2w' }, true],
    ['2026-02-01T12:00:00Z', { olderThan: '1w', newerThan: '2w' }, false],
    ['2025-12-31T23:59:59Z', { since: '2026-01-01' }, false],
    ['2026-01-01T00:00:00Z', { since: '2026-01-01', before: '2026-01-02' }, true],
    ['2026-01-02T00:00:00Z', { before: '2026-01-02' }, false],
    ['unknown', { olderThan: '1w' }, false],
    ['unknown', { newerThan: '1w' }, false],
  ])('changed at %s, with %j: %s', (modified, include, expected) => {
    expect(coversItem({ ...all, include }, NOW)(entry('a', modified))).toBe(expected);
  });

  it('takes sizes, without the bounds', () => {
    const covers = coversItem({ ...all, include: { larger: 10, smaller: 20 } }, NOW);
    expect([10, 11, 19, 20].map((bytes) => covers(entry('a', undefined, bytes)))).toEqual([false, true, true, false]);
  });

  it('excludes what meets any condition', () => {
    const covers = coversItem({ ...all, exclude: { larger: 1000, olderThan: '30d' } }, NOW);
    expect(covers(entry('new-and-small'))).toBe(true);
    expect(covers(entry('large', undefined, 1001))).toBe(false);
    expect(covers(entry('old', '2020-01-01T00:00:00Z'))).toBe(false);
  });
});

describe('mail', () => {
  it('goes by its internal date', () => {
    const covers = coversItem({ ...all, kind: 'mail', include: { since: '2026-01-01' } });
    const mail = (date: string): ItemRef => ({ key: '1', version: '', bytes: 1, rank: 0, meta: { date } });
    expect([covers(mail('2026-01-01T00:00:00Z')), covers(mail('2025-12-31T00:00:00Z'))]).toEqual([true, false]);
  });
});

describe('wantedPath', () => {
  const selection = { ...all, map: { folders: { Old: 'Archive/2020', 'Old/keep': 'Keep', 'Old/keep/x': 'Old' } } };
  it.each([
    ['Old/', 'Archive/2020/'],
    ['Old/a.txt', 'Archive/2020/a.txt'],
    ['Old/sub/', 'Archive/2020/sub/'],
    ['Old/keep/', 'Keep/'],
    ['Old/keep/a/b.txt', 'Keep/a/b.txt'],
    ['Old/keep/x/b.txt', 'Old/b.txt'],
    ['Older/a', 'Older/a'],
    // A file of the name of a folder is none.
    ['Old', 'Old'],
    ['constructor/a', 'constructor/a'],
  ])('%s goes to %s', (key, path) => {
    expect(wantedPath(selection, key)).toBe(path);
  });

  it('is the key where nothing is mapped', () => {
    expect(wantedPath(all, 'a/b')).toBe('a/b');
    expect(wantedContainer({ ...all, map: { folders: { a: 'b' } } }, { path: ['constructor'] }).path).toEqual([
      'constructor',
    ]);
  });
});
