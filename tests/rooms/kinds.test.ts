/** Who works with every kind asks what a kind is (connectors/kinds/traits.ts), never what it is called: the next kind is asked too. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { KINDS } from '../../connectors/contract.js';
import { typescriptFiles } from './imports.js';

const NAME = `['"](?:${KINDS.join('|')})['"]`;
/** A comparison with a kind's name, on either side, in a set or a list, or in a `case`. */
const COMPARED = new RegExp(`[!=]==?\\s*${NAME}|${NAME}\\s*[!=]==?|\\b(?:has|includes)\\(${NAME}\\)|\\bcase ${NAME}`);

it('compares no kind by its name in engine/, activities/, ledger/ and report/', () => {
  const files = typescriptFiles().filter(
    (file) => /^(?:engine|activities|ledger|report)\//.test(file) && !file.endsWith('.test.ts'),
  );
  expect(files.length).toBeGreaterThan(100);

  const compared = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, at) => (COMPARED.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  );

  expect(compared).toEqual([]);
});

it('sees a comparison however it is written', () => {
  for (const code of [
    "if (selection.kind === 'files') return;",
    "const tree = kind !== 'mail';",
    "'calendar' === kind",
    "kinds.has('files')",
    "case 'contacts':",
  ]) {
    expect(code).toMatch(COMPARED);
  }
  for (const code of ["traits[kind].place === 'path'", "mail: 'folder',", "field === 'folders'"]) {
    expect(code).not.toMatch(COMPARED);
  }
});
