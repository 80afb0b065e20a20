import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { specHash } from './hash.js';
import { loadSpec } from './load.js';

const specs = fileURLToPath(new URL('../specs/', import.meta.url));
const csv = await readFile(`${specs}people.csv`);
const text = await readFile(`${specs}imap-to-imap.yaml`, 'utf8');

/** Loads a spec that may be anything: it must give a spec, or problems that have a place in the file. */
async function mustAnswer(spec: string): Promise<void> {
  const loaded = await loadSpec('s.yaml', async (path) => (path === 's.yaml' ? Buffer.from(spec) : csv));
  if ('spec' in loaded) {
    expect(specHash(loaded.spec)).toMatch(/^[0-9a-f]{64}$/);
    return;
  }
  expect(loaded.problems.length).toBeGreaterThan(0);
  const lines = spec.split('\n');
  for (const { line, column, message } of loaded.problems) {
    expect(message).not.toMatch(/undefined|\[object|function/);
    expect(line).toBeLessThanOrEqual(Math.max(1, lines.length));
    expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 2);
  }
}

describe('any mutation of a valid spec gives a spec or diagnostics', () => {
  it('when text is cut, put in or repeated', async () => {
    const pieces = fc.oneof(
      fc.constantFrom(
        '\t',
        '---\n',
        '&a ',
        '*a',
        '!x ',
        '{',
        '[',
        '"',
        '\n',
        ': ',
        '- ',
        '|',
        '%',
        '__proto__: ',
        '<<: ',
      ),
      fc.string({ maxLength: 5, unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), fc.nat(40), pieces, async (at, length, piece) => {
        await mustAnswer(text.slice(0, at) + piece + text.slice(at + length));
      }),
      { numRuns: 300 },
    );
  });

  it('when a value is replaced by any other, or a key renamed', async () => {
    const paths = allPaths(parse(text));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.jsonValue(), fc.option(fc.string()), async (path, value, key) => {
        await mustAnswer(stringify(mutate(parse(text), path, value, key)));
      }),
      { numRuns: 300 },
    );
  });
});

function allPaths(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [[...path, key], ...allPaths(member, [...path, key])]);
}

function mutate(spec: unknown, path: readonly string[], value: unknown, key: string | null): unknown {
  let parent = spec as Record<string, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string, unknown>;
  const last = path[path.length - 1] as string;
  if (key === null || Array.isArray(parent)) parent[last] = value;
  else {
    const before = parent[last];
    delete parent[last];
    Object.defineProperty(parent, key, { value: before, enumerable: true, configurable: true, writable: true });
  }
  return spec;
}
