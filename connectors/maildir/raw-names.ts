/**
 * File names are bytes. Those that are UTF-8 are known by their text; others, as older systems wrote them, by U+FFFD and
 * their bytes as latin1, so that every name has one text and every text one name.
 */
import { join } from 'node:path';

const RAW = '\ufffd';

/** A path as the file system takes it: bytes where it is not UTF-8. */
export type FilePath = string | Buffer;

export function nameOf(bytes: Buffer): string {
  const text = bytes.toString();
  return !text.startsWith(RAW) && Buffer.from(text).equals(bytes) ? text : RAW + bytes.toString('latin1');
}

export function isRaw(name: string): boolean {
  return name.startsWith(RAW);
}

/** What people see: the bytes as latin1, which they most often are. */
export function shownName(name: string): string {
  return isRaw(name) ? name.slice(1) : name;
}

export function below(at: FilePath, ...names: readonly string[]): FilePath {
  if (typeof at === 'string' && !names.some(isRaw)) return join(at, ...names);
  const parts = names.map((name) => (isRaw(name) ? Buffer.from(name.slice(1), 'latin1') : Buffer.from(name)));
  return Buffer.concat([Buffer.from(at), ...parts.flatMap((part) => [SLASH, part])]);
}

const SLASH = Buffer.from('/');
