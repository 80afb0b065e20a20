/** Making the folder of a collection: whole with its name and colour, or not there. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerProperties } from '../contract.js';
import { syncFolder } from '../local/local-files.js';
import { writeStaged } from './writing.js';

/** Answers the folder's name, and what is not kept. No other folder has that name, not in any spelling of case. */
export async function makeCollection(
  root: string,
  name: string,
  { color, description, order, timezone, components }: ContainerProperties = {},
): Promise<{ readonly key: string; readonly notes: readonly string[] }> {
  const taken = new Set((await readdir(root)).map(folded));
  const plain = plainName(name);
  let key = plain;
  for (let n = 2; taken.has(folded(key)); n++) key = `${plain} (${n})`;
  const texts: Readonly<Record<string, string | undefined>> = {
    // Readers drop one line end.
    displayname: key === name ? undefined : name.replace(/\n$/, '\n\n'),
    // The specification knows six digits; a seventh and eighth are opacity.
    color: color?.slice(0, 7),
    description,
    order: order?.toString(),
  };
  const staged = join(root, `.drover-${randomUUID()}.tmp`);
  await mkdir(staged, { mode: 0o700 });
  for (const [file, text] of Object.entries(texts)) {
    if (text === undefined) continue;
    const { path } = await writeStaged(staged, text);
    await rename(path, join(staged, file));
  }
  await syncFolder(staged);
  await rename(staged, join(root, key));
  await syncFolder(root);
  const lost = Object.entries({ timezone, components }).flatMap(([what, value]) => (value === undefined ? [] : [what]));
  return { key, notes: lost.length > 0 ? [`not kept in a vdir: ${lost.join(', ')}`] : [] };
}

const MAX_NAME_BYTES = 200;

/** A name that every file system takes. */
function plainName(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/[/\\:*?"<>|\p{Cc}\p{Cs}]/gu, '_')
    .replace(/^\.+/, '_');
  let cut = '';
  let bytes = 0;
  for (const letter of safe) {
    bytes += Buffer.byteLength(letter);
    if (bytes > MAX_NAME_BYTES) break;
    cut += letter;
  }
  return cut.replace(/(?<![. ])[. ]+$/, '_') || '_';
}

/** Names that some file system takes for the same. */
export function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
