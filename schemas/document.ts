/** YAML 1.2 to a plain value that still knows where each part stood; refuses what is unsafe or unclear. */
import type { Document, Node, Pair, YAMLError, YAMLMap } from 'yaml';
import { Composer, isAlias, isMap, isPair, isScalar, isSeq, Lexer, LineCounter, Parser, visit } from 'yaml';
import type { Diagnostic } from './diagnostic.js';
import { quote } from './diagnostic.js';

export const MAX_SPEC_BYTES = 1024 * 1024;
/** Deeper than any spec; the YAML library recurses, and some 100,000 levels would end the process. */
const MAX_DEPTH = 100;
/** Enough for shared settings; without nesting, so that the expanded document stays a small multiple. */
const MAX_ALIASES = 32;

export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

export interface SpecDocument {
  /** Plain JSON values; keys are strings. */
  readonly value: unknown;
  /** Where the value of this path stands: its key if there is one and `at` says so, else the value. */
  place(path: readonly string[], at: 'key' | 'value'): SourcePosition;
}

/** Reads the bytes of a YAML file. Never throws; each thing refused is one problem. */
export function readDocument(
  file: string,
  bytes: Uint8Array,
): { readonly document: SpecDocument } | { readonly problems: Diagnostic[] } {
  const first = (message: string): { problems: Diagnostic[] } => ({
    problems: [{ file, line: 1, column: 1, message, path: '' }],
  });
  if (bytes.byteLength > MAX_SPEC_BYTES) {
    return first('the file is larger than 1 MiB; put long lists of accounts into a CSV file');
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) return first('the file is not UTF-8; save it in this encoding');

  const lines = new LineCounter();
  const problem = (offset: number, message: string): Diagnostic => ({
    file,
    ...placeOf(lines, offset),
    message,
    path: '',
  });
  // From the text itself: the parser tells wrong places for the lines of a quoted text that never ends.
  lines.addNewLine(0);
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) lines.addNewLine(end + 1);
  const parser = new Parser();
  const tokens = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_DEPTH) return { problems: [problem(parser.offset, 'nested too deeply')] };
  }
  for (const token of parser.end()) tokens.push(token);
  const composer = new Composer({ version: '1.2', stringKeys: true, prettyErrors: false, uniqueKeys: true });
  const documents = [...composer.compose(tokens, true, text.length)];

  const [document] = documents as Document.Parsed[];
  if (document === undefined) return first('the file is empty; `migrate init` writes a first spec');
  const problems = [...document.errors, ...document.warnings].map((error) =>
    problem(error.pos[0], explain(error, text)),
  );
  const { yaml } = document.directives ?? {};
  if (yaml?.explicit && yaml.version !== '1.2') problems.push(problem(0, 'specs are YAML 1.2; remove the %YAML line'));
  const second = documents[1];
  if (second !== undefined) {
    problems.push(
      problem(second.range?.[0] ?? text.length, 'a spec is one document; remove the "---" or "..." before this one'),
    );
  }
  for (const [offset, message] of aliasProblems(document)) problems.push(problem(offset, message));
  if (problems.length > 0) return { problems };
  if (document.contents === null) return first('the file is empty; `migrate init` writes a first spec');
  return { document: { value: document.toJS(), place: createPlaces(document, lines) } };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function aliasProblems(document: Document.Parsed): [number, string][] {
  const problems: [number, string][] = [];
  const anchors = new Set<string>();
  let count = 0;
  visit(document, {
    Node(_, node) {
      if (!isAlias(node) && node.anchor !== undefined) anchors.add(node.anchor);
    },
    Alias(_, alias, ancestors) {
      const offset = alias.range?.[0] ?? 0;
      count++;
      if (!anchors.has(alias.source))
        problems.push([offset, `no anchor ${quote(`&${alias.source}`)} stands before this alias`]);
      if (ancestors.some((node) => !isPair(node) && 'anchor' in node && node.anchor !== undefined)) {
        problems.push([
          offset,
          'an alias within an anchored block is refused, because such aliases can grow without bound',
        ]);
      }
      if (count === MAX_ALIASES + 1) problems.push([offset, `more than ${MAX_ALIASES} aliases; write the values out`]);
    },
  });
  return problems;
}

function explain(error: YAMLError, text: string): string {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return `the key ${quote(keyAt(text, error.pos[0]))} stands here a second time; remove one`;
    case 'TAB_AS_INDENT':
      return 'a tab cannot indent YAML; use blanks';
    case 'NON_STRING_KEY':
      return 'a key must be text';
    case 'TAG_RESOLVE_FAILED':
      return 'tags such as "!name" are not allowed in a spec; remove it';
    case 'BAD_INDENT':
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return `not YAML: ${lowerFirst(error.message)}; check the indentation and the ":" here`;
    default:
      return `not YAML: ${lowerFirst(error.message)}`;
  }
}

/** The library marks the first character of a key only. */
function keyAt(text: string, offset: number): string {
  const [key = ''] = /^(?:"[^"\n]*"|'[^'\n]*'|[^:\n]+)/.exec(text.slice(offset, offset + 200)) ?? [];
  return key.replace(/^(["'])(.*)\1$/, '$2').trimEnd();
}

/** The library's sentence in our manner; cut, because it may repeat the text that it objects to. */
function lowerFirst(message: string): string {
  const [sentence = ''] = message.split('\n');
  return (sentence.charAt(0).toLowerCase() + sentence.slice(1)).slice(0, 160);
}

function placeOf(lines: LineCounter, offset: number): SourcePosition {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function createPlaces(document: Document.Parsed, lines: LineCounter): SpecDocument['place'] {
  const resolve = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  return (path, at) => {
    let node: unknown = resolve(document.contents);
    let key: Node | undefined;
    for (const [index, step] of path.entries()) {
      let next: unknown;
      key = undefined;
      if (isMap(node)) {
        const pair = findPair(node, step);
        key = pair?.key as Node | undefined;
        next = pair?.value ?? pair?.key;
      } else if (isSeq(node)) {
        next = node.items[Number(step)];
      }
      if (next === undefined) break;
      // An alias stands where it is written when it is the end of the path, and for its anchor on the way.
      node = index === path.length - 1 && isAlias(next) ? next : resolve(next);
    }
    const found = at === 'key' && key !== undefined ? key : (node as Node | undefined);
    return placeOf(lines, found?.range?.[0] ?? 0);
  };
}

function findPair(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => (isScalar(pair.key) ? String(pair.key.value) : String(pair.key)) === key);
}
