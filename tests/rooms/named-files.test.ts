/** Documents name files as they are called now: who moves or renames one finds out here where it is spoken of. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const FILES = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '');

/** A source file in backticks, by the end of its path. */
const NAMED = /`((?:[\w.-]+\/)*[\w-]+(?:\.(?:test|real|deep|conformance))*\.ts)`/g;

it('documents name source files that exist', () => {
  // Decisions and the changelog tell what was at their time.
  const documents = FILES.filter(
    (file) => file.endsWith('.md') && file !== 'CHANGELOG.md' && !file.startsWith('docs/decisions/'),
  );

  const named = documents.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(NAMED)].map(([, path]) => ({ file, path: path as string })),
  );

  expect(named.length).toBeGreaterThan(100);
  // `name.test.ts` stands for any.
  const real = named.filter(({ path }) => !path.startsWith('name.'));
  const missing = real.filter(({ path }) => !FILES.some((file) => file === path || file.endsWith(`/${path}`)));
  expect(missing.map(({ file, path }) => `${file}: ${path}`)).toEqual([]);
});
