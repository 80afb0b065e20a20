/** No file imports itself by way of others: of two such files, neither can be read, tested or moved alone. */
import { expect, it } from 'vitest';
import type { Import } from './imports.js';
import { importsOf, typescriptFiles } from './imports.js';

/** Circles that are still being taken apart, each by its files in order. Nothing is added here. */
const EXCEPTIONS: readonly (readonly string[])[] = [];

it('has no circles of imports', () => {
  const files = typescriptFiles();
  const imports = files.flatMap(importsOf);
  expect(imports.length).toBeGreaterThan(2_000);

  const circles = circlesOf(files, imports);

  const listed = new Set(EXCEPTIONS.map(String));
  expect(circles.filter((circle) => !listed.has(String(circle))).map((circle) => described(circle, imports))).toEqual(
    [],
  );
  // An exception whose circle is gone is deleted, so that the circle cannot come back.
  expect(EXCEPTIONS.map(String)).toEqual(circles.filter((circle) => listed.has(String(circle))).map(String));
});

it('has no circles of folders in engine/ and connectors/: each stands above what it imports', () => {
  /** The folder below `engine/` or `connectors/` that a file is in, or the file itself where it is in none. */
  const folderOf = (file: string): string => /^(?:engine|connectors)\/[^/]+/.exec(file)?.[0] ?? file;
  const imports = typescriptFiles()
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap(importsOf)
    .map((one) => ({ ...one, file: folderOf(one.file), from: folderOf(one.from) }))
    .filter(({ file, from }) => file !== from);

  const folders = [...new Set(imports.map(({ file }) => file))];

  expect(circlesOf(folders, imports)).toEqual([]);
});

it('finds a circle through types, and a file that imports itself', () => {
  const at = (file: string, from: string, typeOnly = false): Import => ({ file, line: 1, from, typeOnly });
  const imports = [at('a', 'b'), at('b', 'c', true), at('c', 'a'), at('c', 'd'), at('e', 'e'), at('d', 'node:fs')];

  expect(circlesOf(['a', 'b', 'c', 'd', 'e'], imports)).toEqual([['a', 'b', 'c'], ['e']]);
});

/** The circle's files, and in a line each the imports that close it. */
function described(circle: readonly string[], imports: readonly Import[]): string {
  const inside = imports.filter(({ file, from }) => circle.includes(file) && circle.includes(from));
  const lines = inside.map(
    ({ file, line, from, typeOnly }) => `${file}:${line} imports ${typeOnly ? 'types of ' : ''}${from}`,
  );
  return [circle.join(', '), ...lines].join('\n  ');
}

/** Files that lead to each other, as Tarjan finds strongly connected components: each circle sorted, and all of them. */
function circlesOf(files: readonly string[], imports: readonly Import[]): string[][] {
  const known = new Set(files);
  const next = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { file, from } of imports) if (known.has(from)) next.get(file)?.push(from);
  const found: string[][] = [];
  const order = new Map<string, number>();
  const open: string[] = [];
  /** Answers the earliest file still open that `file` leads to, by its place in the order. */
  const visit = (file: string): number => {
    const mine = order.size;
    let earliest = mine;
    order.set(file, mine);
    open.push(file);
    for (const other of next.get(file) ?? []) {
      const place = order.get(other);
      if (place === undefined) earliest = Math.min(earliest, visit(other));
      else if (open.includes(other)) earliest = Math.min(earliest, place);
    }
    if (earliest === mine) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1 || next.get(file)?.includes(file)) found.push(circle.sort());
    }
    return earliest;
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return found.sort((one, other) => (String(one) < String(other) ? -1 : 1));
}
