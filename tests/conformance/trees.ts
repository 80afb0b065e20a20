/** What the suites for files share: contents, odd names, short ways to drain a session, and the hands of another program. */
import { createHash } from 'node:crypto';
import type {
  Body,
  Container,
  ItemRef,
  Refused,
  Source,
  Target,
  TargetContainer,
  Write,
  WriteAnswer,
} from '../../connectors/contract.js';
import type { FileBody, FileMeta } from '../../connectors/kinds/files.js';
import { BLOCK_BYTES, digestFile, digestOfBlocks } from '../../connectors/kinds/files.js';
import { compareKeys } from '../../connectors/kinds/key-order.js';
import { all, entries, never } from './collect.js';

/** What another program does to the tree. Paths are those of files.ts: without "/" before them, folders with one behind. */
export interface FileOthers {
  /** Writes a file over what stands there, and makes the folders above. Throws when the system does not take the name. */
  put(path: string, bytes: Buffer, modified?: string): Promise<void>;
  /** Makes a folder, and those above. */
  mkdir(path: string): Promise<void>;
  /** A file, or a folder with all that it holds. */
  remove(path: string): Promise<void>;
  /** Undefined where there is no file. */
  read(path: string): Promise<Buffer | undefined>;
  /** All there is but what the connector keeps for itself, sorted. */
  list(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Bytes that repeat nowhere within a block, the same for the same seed. */
export function content(bytes: number, seed = 'seed'): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let block = createHash('sha512').update(seed).digest();
  for (let at = 0; at < bytes; at += block.length) {
    if (at % 65_536 === 0) block = createHash('sha512').update(block).digest();
    block.writeUInt32LE(at % 2 ** 32, 0);
    block.copy(out, at, 0, Math.min(block.length, bytes - at));
  }
  return out;
}

/** The digest that a file of this content has, computed in another way than files.ts does. */
export function digestOfContent(bytes: Buffer): string {
  const blocks = [];
  for (let at = 0; at === 0 || at < bytes.length; at += BLOCK_BYTES)
    blocks.push(
      createHash('sha256')
        .update(bytes.subarray(at, at + BLOCK_BYTES))
        .digest(),
    );
  return blocks.length === 1 ? (blocks[0] as Buffer).toString('hex') : digestOfBlocks(blocks);
}

export const MODIFIED = '2019-03-04T05:06:07.000Z';

const LONG = 'n'.repeat(251);

/** Names that litmus, rclone's test suite and people have found trouble with. Each stands in a tree of its own. */
export const oddNames: Readonly<Record<string, readonly string[]>> = {
  blanks: ['a b', ' leading', 'two  blanks'],
  quotes: [`it's`, 'say "hi"', '`tick`'],
  'percent signs': ['100%', '%', '%zz', '50% of it'],
  'names that look encoded': ['a%2Fb', 'a%20b', '%2e%2e', 'a%00b'],
  'marks of URLs': ['a#b', 'why?', 'a+b', 'a&b', 'a;b', 'a=b', 'a:b', 'a@b', 'a,b', '!$*()'],
  brackets: ['[a]', '{a}', '<a>', '(a)', '|', '^', '~a'],
  emoji: ['🎉', 'family 👩‍👩‍👧‍👦.txt', '日本語', 'עברית', 'ｆｕｌｌ！'],
  'composed letters': ['caf\u00e9'],
  'decomposed letters': ['cafe\u0301'],
  'leading dots': ['.hidden', '..two', '...', '.a/.b'],
  'trailing dots': ['a.', 'a..'],
  'trailing blanks': ['a ', 'a. '],
  backslashes: ['a\\b', '\\', '..\\up'],
  'control characters': ['tab\there', 'line\nbreak'],
  'reserved names of others': ['CON', 'nul.txt', 'Thumbs.db', 'desktop.ini', '~$lock.docx'],
  'names of 255 bytes': [`${LONG}.txt`, `${'ü'.repeat(127)}x`],
  'marks of XML': ['a<b>&amp;]]>', '&lt;'],
};

/** Names that some systems take for the same. */
export const twins: Readonly<Record<string, readonly [string, string]>> = {
  'names that differ in case': ['Report.txt', 'report.txt'],
  'names that differ in Unicode form': ['caf\u00e9', 'cafe\u0301'],
  'names that differ in a trailing blank': ['a', 'a '],
  'names that differ in encoding': ['a b', 'a%20b'],
};

export async function treeOf(source: Source<FileBody>): Promise<Container> {
  const [tree, ...more] = await all(source.containers(never));
  if (!tree || more.length > 0) throw new Error(`there is not one tree, but ${more.length + (tree ? 1 : 0)}`);
  return tree;
}

export async function listed(source: Source<FileBody>, after?: string): Promise<ItemRef[]> {
  return entries(source.list(await treeOf(source), after, never));
}

export async function keysOf(source: Source<FileBody>, after?: string): Promise<string[]> {
  return (await listed(source, after)).map(({ key }) => key);
}

export async function refAt(source: Source<FileBody>, key: string): Promise<ItemRef> {
  const refs = await listed(source);
  const found = refs.find((ref) => ref.key === key);
  if (found) return found;
  throw new Error(`no ${key} among ${refs.map((ref) => ref.key).join(', ')}`);
}

export function metaOf({ meta }: { readonly meta?: unknown }): FileMeta {
  return meta as FileMeta;
}

export async function read(source: Source<FileBody>, refs: readonly ItemRef[]): Promise<(Body<FileBody> | Refused)[]> {
  return all(source.read(await treeOf(source), refs, never));
}

/** The content of one file, whichever way it is had. */
export async function contentOf(source: Source<FileBody>, ref: ItemRef): Promise<Buffer> {
  const [answer] = await read(source, [ref]);
  if (answer && 'body' in answer) return answer.body.bytes;
  throw new Error(`not read: ${JSON.stringify(answer)}`);
}

export function file(path: string, bytes: Buffer, modified = MODIFIED): FileBody {
  return { type: 'file', path, bytes, modified };
}

export function folder(path: string): FileBody {
  return { type: 'folder', path, bytes: Buffer.alloc(0) };
}

export function creating(token: string, body: FileBody): Write<FileBody> {
  const meta: FileMeta = { type: body.type, ...(body.modified !== undefined && { modified: body.modified }) };
  return { op: 'create', token, body, bytes: body.bytes.length, meta, digest: digestFile(body) };
}

export function updating(token: string, ref: string, version: string | undefined, bytes: Buffer): Write<FileBody> {
  const body = file(ref, bytes);
  const meta: FileMeta = { type: 'file', modified: MODIFIED };
  return {
    op: 'update',
    token,
    ref,
    ...(version !== undefined && { version }),
    body,
    bytes: bytes.length,
    meta,
    digest: digestFile(body),
  };
}

/** Applies writes and answers by token; an error when one is answered twice or not at all. */
export async function apply(
  target: Target<FileBody>,
  container: TargetContainer,
  writes: readonly Write<FileBody>[],
): Promise<Map<string, WriteAnswer>> {
  const answers = new Map<string, WriteAnswer>();
  for await (const answer of target.write(container, writes, never)) {
    const token = 'refused' in answer ? answer.refused : 'conflicted' in answer ? answer.conflicted : answer.token;
    if (answers.has(token)) throw new Error(`write ${token} was answered twice`);
    if (!writes.some((write) => write.token === token)) throw new Error(`answer to ${token}, which nobody wrote`);
    answers.set(token, answer);
  }
  for (const write of writes) if (!answers.has(write.token)) throw new Error(`write ${write.token} was not answered`);
  return answers;
}

/** In pieces that do not fit any block. */
export async function* pieces(bytes: Buffer, size = 200_003): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** The folders above a path, for what a listing shows. */
export function withFolders(paths: readonly string[]): string[] {
  const shown = new Set(paths);
  for (const path of paths) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) shown.add(path.slice(0, at + 1));
  }
  return [...shown].sort(compareKeys);
}
