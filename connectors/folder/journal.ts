/**
 * Which parts of a large file are safe on disk: lines that are durable before a part counts. Every line begins with a
 * line end of its own, so that what a dying process left of one spoils no other.
 */
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { Upload } from '../contract.js';
import { ifThere } from '../local/local-files.js';
import type { HeldFolder } from './held-folder.js';

export interface Journal {
  /** The file that holds the parts, as `dev:ino`: another of that name holds none of them. */
  readonly file: string;
  readonly parts: ReadonlySet<number>;
}

const NAME_END = '.parts';

export function journalOf({ token }: Upload): string {
  return token + NAME_END;
}

/** Undefined when there is none, or one of another upload. */
export async function readJournal(staging: HeldFolder, upload: Upload): Promise<Journal | undefined> {
  const text = await ifThere(readFile(staging.at(journalOf(upload)), 'utf8'));
  const [, file] = new RegExp(`^file (\\S+) ${upload.bytes} ${upload.partBytes}\\n`).exec(text ?? '') ?? [];
  if (text === undefined || file === undefined) return undefined;
  const parts = new Set<number>();
  for (const line of text.split('\n')) {
    const [, sign, part] = /^([+-])(\d+)\.$/.exec(line) ?? [];
    if (sign === '+') parts.add(Number(part));
    else if (sign) parts.delete(Number(part));
  }
  return { file, parts };
}

/** Replaces what there was. */
export async function beginJournal(staging: HeldFolder, upload: Upload, file: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  await append(
    staging,
    upload,
    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
    `file ${file} ${upload.bytes} ${upload.partBytes}\n`,
  );
}

/** Durable when this ends. */
export async function note(staging: HeldFolder, upload: Upload, word: string): Promise<void> {
  const { O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
  await append(staging, upload, O_WRONLY | O_APPEND | O_NOFOLLOW, `\n${word}.\n`);
}

async function append(staging: HeldFolder, upload: Upload, flags: number, text: string): Promise<void> {
  const file = await open(staging.at(journalOf(upload)), flags, 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}
