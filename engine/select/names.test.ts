import { describe, expect, test } from 'vitest';
import type { NameRules } from '../../connectors/contract.js';
import type { Selection } from '../../schemas/spec.js';
import { createNames, foldedPath, sameToTarget } from './names.js';

const selection = (more: Partial<Selection> = {}): Selection => ({
  name: 'share',
  kind: 'files',
  from: 'a',
  to: 'b',
  names: 'rename',
  ...more,
});
const WINDOWS: NameRules = {
  forbidden: '\\:*?"<>|',
  endings: '. ',
  reserved: ['CON'],
  suffixes: ['.part'],
  nameBytes: 255,
  pathBytes: 400,
  caseless: true,
  formless: true,
};

function place(
  key: string,
  rules = WINDOWS,
  more: Partial<Selection> = {},
  groups: readonly string[][] = [],
  taken: readonly string[] = [],
) {
  return createNames(rules, selection(more), { groups, isTaken: (path) => taken.includes(path) }).of(key);
}

describe('names the target cannot keep', () => {
  test.each([
    ['a:b?.txt', 'a_b_.txt'],
    ['folder./file', 'folder_/file'],
    ['con.txt', 'con_.txt'],
    ['CON/x', 'CON_/x'],
    ['trailing ', 'trailing_'],
    ['video.PART', 'video.PART_'],
    ['plain.txt', 'plain.txt'],
  ])('%s goes to %s', (key, path) => {
    const named = place(key);
    expect(named).toMatchObject({ path });
    expect('notes' in named && named.notes.length).toBe(path === key ? 0 : 1);
  });

  test('are problems where the spec does not rename, and everything below them', () => {
    for (const key of ['a:b', 'a:b/file']) {
      expect(place(key, WINDOWS, { names: 'fail' })).toMatchObject({ problem: expect.stringContaining('keeps no :') });
    }
  });

  test('too long ones keep their ending, and are told apart by their whole', () => {
    const [one, other] = ['a', 'b'].map((last) => place(`${'ü'.repeat(200)}${last}.docx`));
    expect(one).not.toEqual(other);
    for (const named of [one, other]) {
      expect(named).toMatchObject({ path: expect.stringMatching(/^ü+~[0-9a-f]{8}\.docx$/) });
      expect(Buffer.byteLength(named && 'path' in named ? named.path : '')).toBeLessThanOrEqual(255);
    }
  });

  test('a path that is too long cannot be mended', () => {
    expect(place(`${'d/'.repeat(220)}x`)).toMatchObject({ problem: expect.stringContaining('441 bytes') });
  });
});

describe('twins', () => {
  const twins = [
    ['Docs/', 'docs/'],
    ['Docs/a', 'docs/a'],
    ['Docs/x', 'Docs/X'],
  ];

  test('the second is numbered, and what it holds goes with it', () => {
    expect(place('Docs/a', WINDOWS, {}, twins)).toMatchObject({ path: 'Docs/a', notes: [] });
    expect(place('docs/', WINDOWS, {}, twins)).toMatchObject({ path: 'docs (2)/' });
    // Not a twin any more: its folder is another.
    expect(place('docs/a', WINDOWS, {}, twins)).toMatchObject({ path: 'docs (2)/a' });
    expect(place('Docs/X', WINDOWS, {}, twins)).toMatchObject({ path: 'Docs/X (2)' });
    expect(place('Docs/X', WINDOWS, {}, twins, ['docs/x (2)', 'docs/x (3)'])).toMatchObject({ path: 'Docs/X (4)' });
  });

  test('are found by what the target makes of them', () => {
    const folded = (key: string): string => foldedPath(WINDOWS, selection(), key) ?? key.replace(/\/$/, '');
    expect(folded('Docs/Ä')).toBe(folded('docs/a\u0308'));
    expect(folded('a:b')).toBe(folded('a_b'));
    expect(folded('folder/')).toBe(folded('Folder'));
    expect(foldedPath({}, selection(), 'Docs/Ä')).toBeNull();
  });
});

test('paths are the same to a target by what it does not tell apart', () => {
  expect(sameToTarget(WINDOWS, 'Docs/Ä', 'docs/a\u0308')).toBe(true);
  expect(sameToTarget({ caseless: true }, 'Docs/Ä', 'docs/a\u0308')).toBe(false);
  expect(sameToTarget({}, 'Docs/a', 'docs/a')).toBe(false);
  expect(sameToTarget(WINDOWS, 'Docs/a', 'Docs/b')).toBe(false);
});

test('the map moves whole folders', () => {
  const map = { folders: { 'Old/Deep': 'New', Other: 'New/Other:1' } };
  expect(place('Old/Deep/x/y', {}, { map })).toMatchObject({ path: 'New/x/y' });
  expect(place('Old/Deep/', {}, { map })).toMatchObject({ path: 'New/' });
  expect(place('Old/x', {}, { map })).toMatchObject({ path: 'Old/x' });
  expect(place('Other/x', WINDOWS, { map })).toMatchObject({ path: 'New/Other_1/x' });
});
