/** What the project's TypeScript files import, read from their text: types too, which no build keeps. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface Import {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** A file, by its path from the root of the project, or the name of a package. */
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Every TypeScript file of the project, also what is not committed yet, by its path from the root. */
export function typescriptFiles(): readonly string[] {
  const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.cts'], { encoding: 'utf8' });
  return list.split('\n').filter((file) => file !== '');
}

const IMPORT =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'|import\s*\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

/** The imports of one file in their order: those made while it runs, and re-exports, among them. */
export function importsOf(file: string): readonly Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(IMPORT)) {
    const from = match[3] ?? match[4] ?? match[5];
    if (from === undefined) continue;
    const line = text.slice(0, match.index + 1).split('\n').length;
    const path = from.startsWith('.') ? normalize(join(dirname(file), from)).replace(/\.(c?)js$/, '.$1ts') : from;
    found.push({ file, line, from: path, typeOnly: match[2] !== undefined });
  }
  return found;
}
