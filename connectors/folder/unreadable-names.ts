/** Names that are not UTF-8. File systems of Linux keep any bytes; keys are text. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { HeldFolder } from './held-folder.js';

export interface UnreadableNames {
  /** As Node spells them, with U+FFFD for what is not text: several may share one spelling. */
  readonly spoilt: ReadonlySet<string>;
  /** A spelling for each, by which a person finds it: the bytes behind U+FFFD in hex. Folders end with "/". */
  readonly shown: readonly string[];
}

const NONE: UnreadableNames = { spoilt: new Set(), shown: [] };
const REPLACEMENT = '\uFFFD';

export async function unreadableNames(held: HeldFolder, dirents: readonly Dirent[]): Promise<UnreadableNames> {
  if (!dirents.some(({ name }) => name.includes(REPLACEMENT))) return NONE;
  const taken = new Set(dirents.map(({ name }) => name));
  const spoilt = new Set<string>();
  const sound = new Set<string>();
  const shown: string[] = [];
  for (const dirent of await readdir(held.path, { withFileTypes: true, encoding: 'buffer' })) {
    const bytes = dirent.name as unknown as Buffer;
    const name = bytes.toString();
    if (Buffer.from(name).equals(bytes)) {
      sound.add(name);
      continue;
    }
    spoilt.add(name);
    let spelling = spell(bytes);
    while (taken.has(spelling)) spelling += REPLACEMENT;
    taken.add(spelling);
    shown.push(dirent.isDirectory() ? `${spelling}/` : spelling);
  }
  // A sound name with U+FFFD in it, spelt like a spoilt one, is rarer than anything: it is kept.
  for (const name of sound) spoilt.delete(name);
  return { spoilt, shown };
}

function spell(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOfCharacter(bytes, at);
    text +=
      length === 0 ? `${REPLACEMENT}${bytes.toString('hex', at, at + 1)}` : bytes.toString('utf8', at, at + length);
    at += length || 1;
  }
  return text;
}

/** Bytes of the character at `at`; 0 when there is none. */
function lengthOfCharacter(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    const slice = bytes.subarray(at, at + length);
    if (Buffer.from(slice.toString()).equals(slice)) return length;
  }
  return 0;
}
