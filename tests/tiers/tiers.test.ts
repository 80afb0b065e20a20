import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import picomatch from 'picomatch';
import { expect, it } from 'vitest';
import { tiers } from './tiers.js';

/** Modules that start a program, besides those that import them. */
const STARTERS = [
  'tests/engine/ledger.ts',
  'tests/servers/dovecot.ts',
  'tests/servers/dav-server.ts',
  'tests/servers/postgres.ts',
  'worker/stack/postgres-server.ts',
  'worker/stack/stack.ts',
  'worker/stack/temporal-server.ts',
];

const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate', '*.ts'], {
  encoding: 'utf8',
});
const tests = listed.split('\n').filter((file) => file.endsWith('.test.ts'));

const tiersOf = (file: string): string[] =>
  Object.entries(tiers)
    .filter(([, { include, exclude }]) => picomatch([...include], { ignore: [...exclude] })(file))
    .map(([name]) => name);

function importsOf(file: string): string[] {
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?'(\.[^']+)\.js'/gm);
  return [...imports].map(([, path]) => `${normalize(join(dirname(file), path as string))}.ts`);
}

/** How a test comes to a starter: by what it imports itself, and by what its helpers in tests/ import. */
function wayToStarter(file: string, seen = new Set<string>()): string[] | undefined {
  for (const one of importsOf(file)) {
    if (STARTERS.includes(one)) return [file, one];
    if (!one.startsWith('tests/') || seen.has(one)) continue;
    seen.add(one);
    const rest = wayToStarter(one, seen);
    if (rest) return [file, ...rest];
  }
  return undefined;
}

it('has a place for every test file, and one only', () => {
  expect(tests.length).toBeGreaterThan(100);
  expect(tests.map((file) => [file, tiersOf(file)]).filter(([, found]) => found?.length !== 1)).toEqual([]);
});

it.each([
  ['connectors/imap/reply.test.ts', 'quick'],
  ['connectors/imap/imap.conformance.real.test.ts', 'real'],
  ['connectors/imap/huge.deep.test.ts', 'deep'],
  ['tests/rooms/any.test.ts', 'quick'],
  ['tests/engine/any.test.ts', 'real'],
  ['tests/engine/below/any.deep.test.ts', 'deep'],
  ['tests/a-new-folder/any.test.ts', 'real'],
  ['tests/faults/any.test.ts', 'deep'],
])('places %s in %s', (file, tier) => {
  expect(tiersOf(file)).toEqual([tier]);
});

it('starts no program in the tier quick: a file that does is named ….real.test.ts', () => {
  const quick = tests.filter((file) => tiersOf(file).includes('quick'));
  expect(quick.map((file) => wayToStarter(file)?.join(' → ')).filter((way) => way !== undefined)).toEqual([]);
});
