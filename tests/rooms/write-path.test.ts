/**
 * What is dangerous is done in one place. A second call of `Target.write` or `openBatch` would be a second write path,
 * and forget one day what the first one asks for: the intents, the lease, the tries, the recovery.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { typescriptFiles } from './imports.js';

/** On how many lines of engine/ each is named, and so may be called. */
const LINES = { write: 1, openBatch: 1 };

/** The method of whatever object, also where it is handed on (`target.write.bind`), taken out or looked up by its name. */
const WRITE = /(?<!\.\.)\.write\b|\[\s*'write'\s*\]|\bwrite\b[^{}()]*\}\s*(?::[^=]*)?=\s*(?:\w+\.)*target\b/;
/** The function of the ledger; an import that gives it another name counts as a call. */
const OPEN_BATCH = /\bopenBatch\b/;

it('calls Target.write and openBatch on so many lines, and on no more', () => {
  const files = typescriptFiles().filter((file) => /^(engine|activities)\//.test(file) && !file.endsWith('.test.ts'));

  const writes = linesWith(WRITE, files);
  const batches = linesWith(OPEN_BATCH, files);

  expect(writes.length, writes.join('\n')).toBe(LINES.write);
  expect(batches.length, batches.join('\n')).toBe(LINES.openBatch);
});

it('sees a call however it is written', () => {
  for (const code of [
    'for await (const answer of target.write(container, writes, signal)) {',
    'slice.target?.write(container, [move], signal)',
    'const put = target.write.bind(target);',
    "target['write'](container, writes, signal)",
    'const { write } = target;',
    'const { write: put, locate }: Target<Body> = slice.target;',
  ]) {
    expect(code).toMatch(WRITE);
  }
  for (const code of [
    'const { item, write } = edit;',
    'return { ...write, version };',
    'await writeReport({ write: true });',
    'import { writeEdits } from',
  ]) {
    expect(code).not.toMatch(WRITE);
  }
});

/** Lines of code as `file:line: code`, without comments and imports. */
function linesWith(pattern: RegExp, files: readonly string[]): readonly string[] {
  const blank = (part: string): string => part.replace(/[^\n]/g, '');
  return files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, blank)
      .replace(/^import\s[^;]*;$/gm, (line) => (/\bopenBatch\s+as\b/.test(line) ? line : blank(line)))
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  );
}
