/** YAML 1.2 to a plain value that still knows where each part stood; refuses what is unsafe or unclear. */
import type { Document, Node, Pair, YAMLError, YAMLMap } from 'yaml';
import { Composer, isAlias, isMap, isPair, isScalar, isSeq, Lexer, LineCounter, Parser, Scalar, visit } from 'yaml';
import type { Diagnostic } from './diagnostic.js';
import { quote } from './diagnostic.js';
import { suggest } from './suggest.js';

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

/**
 * Reads the bytes of a YAML file. Never throws; each thing refused is one problem. A document that has `problems` can be
 * looked at all the same: what was meant is plain.
 */
export function readDocument(
  file: string,
  bytes: Uint8Array,
): { readonly document: SpecDocument; readonly problems: Diagnostic[] } | { readonly problems: Diagnostic[] } {
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
  const composer = new Composer({ version: '1.2', stringKeys: true, prettyErrors: false, uniqueKeys: false });
  const documents = [...composer.compose(tokens, true, text.length)];

  const [document] = documents as Document.Parsed[];
  if (document === undefined) return first('the file is empty; `migrate init` writes a first spec');
  const unquoted = quoteTemplates(document, text).map(([offset, message]) => problem(offset, message));
  // Whatever else the parser objects to may come from the braces.
  const [error] = document.errors;
  const within = error && templateWithin(text, error.pos[0]);
  if (within) unquoted.push(problem(...within));
  if (error && unquoted.length > 0) return { problems: unquoted };
  const problems = [...withoutEchoes(document.errors), ...document.warnings].map((error) =>
    problem(error.pos[0], explain(error)),
  );
  for (const [offset, message] of repeatedKeys(document)) problems.push(problem(offset, message));
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
  return { document: { value: document.toJS(), place: createPlaces(document, lines) }, problems: unquoted };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * `username: {account}` is a mapping to YAML, and `{account}*master` nothing at all. One sentence for each; the document
 * goes on with the text that was meant.
 */
function quoteTemplates(document: Document.Parsed, text: string): [number, string][] {
  const problems: [number, string][] = [];
  visit(document, {
    Map(at, map) {
      const [pair, ...others] = map.items;
      const key = isScalar(pair?.key) ? String(pair.key.value) : '';
      if (!map.flow || at === 'key' || others.length > 0 || !map.range) return undefined;
      if (isPair(pair) && !(pair.value === null || (isScalar(pair.value) && pair.value.source === '')))
        return undefined;
      if (!isTemplate(key)) return undefined;
      const [start] = map.range;
      const [written = ''] = TEMPLATE.exec(text.slice(start, start + LONGEST)) ?? [];
      problems.push([start, quoteIt(written)]);
      const meant = new Scalar(written);
      meant.range = map.range;
      return meant;
    },
  });
  return problems;
}

/** In a flow mapping, `path: /srv/{account}` ends at the brace, and all that follows makes no sense. */
function templateWithin(text: string, at: number): [number, string] | undefined {
  const [rest, key = ''] = TEMPLATE.exec(text.slice(at, at + LONGEST)) ?? [];
  if (rest === undefined || !isTemplate(key)) return undefined;
  let from = at;
  while (from > Math.max(0, at - LONGEST) && !/[\s,#{}[\]"']/.test(text.charAt(from - 1))) from--;
  return [from, quoteIt(text.slice(from, at) + rest)];
}

const LONGEST = 200;
const TEMPLATE = /^\{\s*([A-Za-z][\w.-]*)\s*\}[^\s,#{}[\]"']*/;
const isTemplate = (word: string): boolean => word === 'account' || suggest(word, ['account']) !== undefined;
const quoteIt = (written: string): string =>
  `quote it: ${JSON.stringify(written)}; to YAML, braces without quotes are a mapping`;

/** Once the parser has lost its way, each further token is an error to it. */
function withoutEchoes(errors: readonly YAMLError[]): readonly YAMLError[] {
  return errors.filter(({ message }, index) => index === 0 || !/ token in YAML stream/.test(message));
}

/** The library itself compares each key with each. */
function repeatedKeys(document: Document.Parsed): [number, string][] {
  const problems: [number, string][] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        const name = nameOf(key);
        if (seen.has(name))
          problems.push([
            isScalar(key) ? (key.range?.[0] ?? 0) : 0,
            `the key ${quote(name)} stands here a second time; remove one`,
          ]);
        seen.add(name);
      }
    },
  });
  return problems;
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

function explain(error: YAMLError): string {
  switch (error.code) {
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
  const pairs = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  const pairsOf = (map: YAMLMap): ReadonlyMap<string, Pair> => {
    const known = pairs.get(map) ?? new Map(map.items.map((pair) => [nameOf(pair.key), pair]));
    pairs.set(map, known);
    return known;
  };
  return (path, at) => {
    let node: unknown = resolve(document.contents);
    let key: Node | undefined;
    for (const [index, step] of path.entries()) {
      let next: unknown;
      key = undefined;
      if (isMap(node)) {
        const pair = pairsOf(node).get(step);
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

const nameOf = (key: unknown): string => (isScalar(key) ? String(key.value) : String(key));
