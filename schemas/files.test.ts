/** What a spec may say of files. The connector here stands for any of that kind. */
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from './diagnostic.js';
import { manifests } from './load.js';
import type { Spec } from './spec.js';
import { validateSpec } from './validate.js';

const { memory } = manifests;
if (memory === undefined) throw new Error('the memory manifest is gone');
const trees = { tree: { ...memory, name: 'tree', kinds: ['files'] } } as const;

async function load(selection: string, limits = '{ connections: 2 }') {
  const text = `
version: 1
name: share
sources: { old: { type: tree, name: old, limits: ${limits} } }
targets: { new: { type: tree, name: new } }
selections:
  - { name: all, kind: files, from: old, to: new, accounts: [{ from: a, to: a }], ${selection} }
`;
  return validateSpec('s.yaml', async () => Buffer.from(text), trees);
}

async function problemsOf(selection: string): Promise<string[]> {
  const loaded = await load(selection);
  return 'problems' in loaded ? loaded.problems.map((each) => each.message) : [];
}

async function specOf(selection: string, limits?: string): Promise<Spec> {
  const loaded = await load(selection, limits);
  if ('problems' in loaded) throw new Error(loaded.problems.map(formatDiagnostic).join('\n'));
  return loaded.spec;
}

describe('a selection of files', () => {
  it('takes all that is said of files', async () => {
    const spec =
      await specOf(`names: rename, verify: checksum, onConflict: newest, deletions: mirror, maxDeletions: 0.2,
      include: { folders: ["Projects/**"], files: ["**/*.{docx,pdf}"], types: [image/*, application/pdf], newerThan: 52w, olderThan: 1d12h },
      exclude: { since: 2020-01-01, before: 2030-01-01 },
      map: { folders: { "Old projects": Archive/2020 } }`);

    expect(spec.selections[0]).toMatchObject({ names: 'rename', verify: 'checksum' });
  });

  it('has sizes as numbers of bytes', async () => {
    const spec = await specOf('include: { larger: 10MB, smaller: 4GiB }, exclude: { larger: 1 kB, smaller: 512 }');

    expect(spec.selections[0]).toMatchObject({
      include: { larger: 10_000_000, smaller: 4_294_967_296 },
      exclude: { larger: 1000, smaller: 512 },
    });
  });

  it('has rates as numbers of bytes a second', async () => {
    const limits = '{ bytesPerSecond: 5e6, bandwidth: { "08:00-18:00 UTC": 2MB/s, "18:00-08:00 UTC": 1.5 } }';

    const spec = await specOf('names: skip', limits);

    expect(spec.sources.old?.limits).toEqual({
      bytesPerSecond: 5e6,
      bandwidth: { '08:00-18:00 UTC': 2_000_000, '18:00-08:00 UTC': 1.5 },
    });
  });

  it.each([
    ['mode: two-way', 'files cannot go two-way: what is a file on one side'],
    ['match: [uid]', 'match applies to contacts only'],
    ['names: renam', 'unknown names "renam"; did you mean "rename"?'],
    ['verify: sha', 'unknown verify "sha"; use readback, checksum or size'],
    [
      'include: { files: ["*.docx/"] }',
      'paths of files neither begin nor end with "/"; choose whole folders with folders',
    ],
    ['include: { files: ["!a"] }', 'a glob cannot be negated; name the files under exclude'],
    ['include: { files: ["{a"] }', 'not a glob'],
    ['include: { types: [pdf] }', '"pdf" is not a media type; write application/pdf or image/*'],
    ['include: { types: [image/jpg] }', 'stands for the media type "image/jpg"; did you mean "image/jpeg"?'],
    ['include: { types: [image/nothing] }', 'stands for the media type "image/nothing"; choose by name with files'],
    ['include: { types: [imgae/*] }', 'unknown media type "imgae/*"; did you mean "image/*"?'],
    ['include: { types: [image/j*] }', 'only a whole family goes by "*"'],
    ['include: { olderThan: yesterday }', 'include.olderThan must be a duration such as'],
    ['include: { newerThan: 1h1d }', 'newerThan is not a duration: the larger unit comes first'],
    ['include: { olderThan: 7d, newerThan: 1w }', 'no age is both above "olderThan" and below "newerThan"'],
    ['include: { larger: 10MB, smaller: 10MB }', 'no size is both above "larger" and below "smaller"'],
    ['map: { folders: { a: ../b } }', '"../b" is not the path of a folder: it is spelt from the root on'],
    ['map: { folders: { ./a: b } }', '"./a" is not the path of a folder: it is spelt from the root on'],
  ])('%s is refused', async (selection, message) => {
    expect(await problemsOf(selection)).toEqual([expect.stringContaining(message)]);
  });

  it('is warned of a glob that fits the root only', async () => {
    const loaded = await load(
      'include: { files: ["*", "**"] }, exclude: { files: ["*.tmp", "**/*.bak", "a/*.x", "README"] }',
    );

    expect('warnings' in loaded && loaded.warnings.map((each) => each.message)).toEqual([
      '"*.tmp" fits files at the root only; for those of all folders write "**/*.tmp"',
    ]);
  });

  it('may exclude both the old and the new', async () => {
    expect(await problemsOf('exclude: { olderThan: 30d, newerThan: 7d, larger: 1MB, smaller: 1kB }')).toEqual([]);
  });
});
