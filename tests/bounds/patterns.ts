/** Every pattern in the sources, and words that are made to hold it. */
import { readFileSync } from 'node:fs';
import { parseAst } from 'vitest/node';
import { typescriptFiles } from '../rooms/imports.js';

export interface Pattern {
  readonly where: string;
  readonly source: string;
  readonly flags: string;
}

/** The regular expressions of all that is delivered, each once. */
export function patternsInSources(): readonly Pattern[] {
  const found = new Map<string, Pattern>();
  for (const file of typescriptFiles()) {
    if (/\.test\.ts$|^(?:tests|bench)\//.test(file)) continue;
    const text = readFileSync(file, 'utf8');
    for (const { start, pattern, flags } of literalsIn(parseAst(text, { lang: 'ts' }))) {
      const line = text.slice(0, start).split('\n').length;
      found.set(`/${pattern}/${flags}`, { where: `${file}:${line}`, source: pattern, flags });
    }
  }
  return [...found.values()];
}

interface Literal {
  readonly start: number;
  readonly pattern: string;
  readonly flags: string;
}

function* literalsIn(node: unknown): Generator<Literal> {
  if (typeof node !== 'object' || node === null) return;
  const { regex, start } = node as { regex?: { pattern: string; flags: string }; start: number };
  if (regex) yield { start, ...regex };
  for (const child of Object.values(node)) yield* literalsIn(child);
}

/** What may repeat without end. Where nothing does, a match takes no longer than its text. */
const REPEATS = /[*+]|\{\d+,(?:\d{2,})?\}/;

const EVERYWHERE = [' ', '\n', '\r', '\t', 'a', '0', '.', '-', '=', '"', '\\', '/', ';', ':', ',', '@', '%'];

/** Beginnings, what is repeated, and ends that let the match fail at the last moment. */
export function attacksOn({ source }: Pattern): {
  readonly begins: readonly string[];
  readonly pumps: readonly string[];
} {
  if (!REPEATS.test(source)) return { begins: [], pumps: [] };
  const own = fragmentsOf(source);
  const pairs = own.flatMap((a) => own.map((b) => a + b));
  return {
    begins: ['', ...own.slice(0, 6), own.slice(0, 4).join('')],
    pumps: [...new Set([...EVERYWHERE, ...own, ...pairs, own.join('')])].filter((pump) => pump !== ''),
  };
}

/** The literal words of a pattern, and one member of each of its classes. */
function fragmentsOf(source: string): string[] {
  const found = new Set<string>();
  let word = '';
  const close = () => {
    if (word !== '') found.add(word);
    word = '';
  };
  for (const [token] of source.matchAll(/\\p\{\w+\}|\\x..|\\u....|\\.|\[(?:\\.|[^\]])*\]|\{[\d,]+\}|\(\?<?[:=!]|./gs)) {
    const literal = token.startsWith('\\') ? ESCAPES[token] : /^[^[\](){}|*+?.^$]$/.test(token) ? token : undefined;
    if (literal !== undefined && !CLASSES.has(token)) {
      word += literal;
      continue;
    }
    close();
    if (literal !== undefined) found.add(literal);
    else if (token.startsWith('[') && token.length > 1) found.add(memberOf(token));
  }
  close();
  return [...found].slice(0, 12);
}

const CLASSES = new Set(['\\d', '\\w', '\\s', '\\D', '\\W', '\\S']);
// biome-ignore format: a table
const ESCAPES: Readonly<Record<string, string>> = {
  '\\d': '0', '\\w': 'a', '\\s': ' ', '\\D': 'a', '\\W': ' ', '\\S': 'a', '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\.': '.',
  '\\/': '/', '\\\\': '\\', '\\*': '*', '\\+': '+', '\\?': '?', '\\(': '(', '\\)': ')', '\\[': '[', '\\]': ']', '\\{': '{',
  '\\}': '}', '\\|': '|', '\\^': '^', '\\$': '$', '\\-': '-', '\\p{Cc}': '\n',
};

function memberOf(characters: string): string {
  const one = new RegExp(characters, 'u');
  return (
    ['a', '0', 'A', ' ', '\n', ';', '=', '-', '/', '.', ',', '\u0001', '\u00e9'].find((letter) => one.test(letter)) ??
    'z'
  );
}
