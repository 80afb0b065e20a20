/**
 * The standard form of kind `files` between source and target, and the one definition of equality. The reasons are in
 * docs/equality.md and docs/decisions/0018-digests-of-files.md.
 */
import { createHash } from 'node:crypto';
import type {
  Container,
  Digest,
  ItemRef,
  JsonObject,
  NameRules,
  Range,
  Refused,
  Source,
  Target,
  Uploads,
} from '../contract.js';

export type FileType = 'file' | 'folder' | 'link';

/** What a listing tells of an entry beside its path, size and version. */
export interface FileMeta extends JsonObject {
  readonly type: FileType;
  /** When its content was last changed, ISO 8601 in UTC, as exactly as the system tells. */
  readonly modified?: string;
  readonly created?: string;
  /** Stays with the file when it gets another name or folder: a file id, an inode. */
  readonly id?: string;
  /** Why it cannot be shown (`unseen`). */
  readonly unseen?: string;
  /** It could be, and the options ask for it to be left out: no failure. */
  readonly leftOut?: true;
}

/**
 * One entry of a tree. Keys and references are paths below the root with "/" between names, without one before them;
 * a folder's ends with "/". So a folder comes before what it holds, in the order of bytes.
 */
export interface FileBody {
  readonly type: FileType;
  /** From a source: its own path. To a target: where it goes. */
  readonly path: string;
  /** The content; where a link points to, in UTF-8; nothing for a folder. */
  readonly bytes: Buffer;
  readonly modified?: string;
  readonly created?: string;
}

/** A source of files: large ones stream. */
export interface FileSource extends Source<FileBody> {
  open(container: Container, ref: ItemRef, range: Range, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A target of files: it says what names it can keep, and takes files that are too large to be held. */
export interface FileTarget extends Target<FileBody> {
  readonly names: NameRules;
  readonly uploads: Uploads;
}

/** The version of what a listing names and cannot show. */
const UNSEEN = 'unseen';

/**
 * An entry of a listing that is there, and cannot be shown: a folder that may not be listed, or what the system names and
 * does not describe. It is refused when it is read. What it holds is not known, and never counts as gone.
 */
export function unseen(key: string, reason: string): ItemRef {
  const type = key.endsWith('/') ? 'folder' : 'file';
  return { key, version: UNSEEN, bytes: 0, rank: 0, meta: { type, unseen: reason } satisfies FileMeta };
}

/** The same for what the options ask to leave out: it is skipped when it is read. */
export function leftOut(key: string, reason: string): ItemRef {
  const plain = unseen(key, reason);
  return { ...plain, meta: { ...plain.meta, leftOut: true } };
}

export function isUnseen({ version, meta }: Pick<ItemRef, 'version' | 'meta'>): boolean {
  return version === UNSEEN && meta?.unseen !== undefined;
}

/** The answer to who reads it; undefined for what was shown. */
export function refusalOfUnseen(ref: ItemRef): Refused | undefined {
  if (!isUnseen(ref)) return undefined;
  return { refused: ref.key, reason: String(ref.meta?.unseen), ...(ref.meta?.leftOut === true && { skipped: true }) };
}

/** Content is digested in blocks of so many bytes, which can be done at several places at once and taken up again. */
export const BLOCK_BYTES = 8 * 1024 * 1024;

/** Files up to this size are held and travel many at once; larger ones in parts, through `Uploads`. */
export const LARGE_BYTES = 1024 * 1024;

/** The digest of a whole file that is held. */
export function digestFile({ type, bytes }: FileBody): Digest {
  if (type !== 'file') return sha256(Buffer.concat([Buffer.from(`${type}\n`), bytes]));
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) blocks.push(hash(bytes.subarray(at, at + BLOCK_BYTES)));
  return digestOfBlocks(blocks);
}

/**
 * The digest of a file from those of its blocks: of a single one that itself, which is the SHA-256 of the file; of more
 * the SHA-256 of them all, one behind the other.
 */
export function digestOfBlocks(blocks: readonly Buffer[]): Digest {
  if (blocks.length === 1) return (blocks[0] as Buffer).toString('hex');
  return sha256(Buffer.concat(blocks));
}

/** The digest of a file that ends after so many bytes; undefined where it has no more than those. */
export function digestBeginning(body: FileBody, bytes: number): Digest | undefined {
  if (body.type !== 'file' || bytes >= body.bytes.length) return undefined;
  return digestFile({ ...body, bytes: body.bytes.subarray(0, bytes) });
}

/** A `FileBody` for what has no content. */
export function emptyBody(meta: FileMeta, path: string): FileBody {
  const { type, modified, created } = meta;
  return {
    type,
    path,
    bytes: Buffer.alloc(0),
    ...(modified !== undefined && { modified }),
    ...(created !== undefined && { created }),
  };
}

export function fileModified({ modified }: FileBody): number | undefined {
  const at = modified === undefined ? Number.NaN : Date.parse(modified);
  return Number.isNaN(at) ? undefined : at;
}

/** The folders above a path, the outermost first: `a/`, `a/b/` of `a/b/c`. */
export function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf('/'); at !== -1 && at < path.length - 1; at = path.indexOf('/', at + 1)) {
    folders.push(path.slice(0, at + 1));
  }
  return folders;
}

/** The innermost folder above a path, `a/b/` of `a/b/c`; undefined at the root. */
export function folderAbove(path: string): string | undefined {
  const end = path.lastIndexOf('/', path.length - 2);
  return end === -1 || path.length < 2 ? undefined : path.slice(0, end + 1);
}

/** The name of an entry, without the folders above it. */
export function nameOf(path: string): string {
  const plain = path.endsWith('/') ? path.slice(0, -1) : path;
  return plain.slice(plain.lastIndexOf('/') + 1);
}

function hash(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function sha256(bytes: Uint8Array): Digest {
  return hash(bytes).toString('hex');
}
