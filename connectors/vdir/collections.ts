/** Collections: the folders below the root, and their names, colours and order in files of their own. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Container, ContainerProperties } from '../contract.js';
import { ifThere, onFiles, syncFolder } from '../local-files.js';
import { isItem, itemFilesIn, versionOf } from './item-files.js';
import { writeFileSafely } from './writing.js';

/** A collection is a folder, or, in a source, an export file that holds many items. */
export interface Collection extends Container {
  readonly exported: boolean;
}

const META = ['color', 'displayname', 'description', 'order'] as const;

/** By key, which is the name of the folder or the file. `withTokens`: with their states, which costs a look at each file. */
export async function collectionsIn(root: string, suffix: string, withTokens: boolean): Promise<Collection[]> {
  const self = await onFiles(`opening ${root}`, () => stat(root));
  if (self.isFile()) return [await exportFile(root, basename(root), suffix)];
  const found: Collection[] = [];
  for (const entry of (await readdir(root, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      const collection = await folder(root, entry.name, suffix, withTokens);
      if (collection) found.push(collection);
    } else if (entry.isFile() && isItem(entry.name, suffix)) {
      found.push(await exportFile(join(root, entry.name), entry.name, suffix));
    }
  }
  const seen = new Set<string>();
  return found.map((collection) => {
    const name = collection.path[0] as string;
    const path = seen.has(name) ? `${name} (${collection.key})` : name;
    seen.add(path);
    return { ...collection, path: [path] };
  });
}

/** Undefined for a folder that holds only items of the other kind. */
async function folder(
  root: string,
  name: string,
  suffix: string,
  withTokens: boolean,
): Promise<Collection | undefined> {
  const at = join(root, name);
  const names = await ifThere(readdir(at));
  if (!names) return undefined;
  const other = suffix === '.ics' ? '.vcf' : '.ics';
  if (names.some((one) => isItem(one, other)) && !names.some((one) => isItem(one, suffix))) return undefined;
  const meta = await metaOf(at);
  const { displayname, ...properties } = meta;
  return {
    key: name,
    path: [displayname ?? name],
    validity: '1',
    exported: false,
    ...(withTokens && { token: await tokenOf(at, suffix) }),
    ...(Object.keys(properties).length > 0 && { properties }),
  };
}

/** Changes with any file that comes, goes or changes: a folder's own time says nothing of edits in place. */
async function tokenOf(at: string, suffix: string): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, version } of await itemFilesIn(at, suffix)) hash.update(`${name}\0${version}\n`);
  return hash.digest('hex');
}

async function exportFile(path: string, key: string, suffix: string): Promise<Collection> {
  const found = await stat(path, { bigint: true });
  const name = key.slice(0, -suffix.length) || key;
  return { key, path: [name], validity: '1', exported: true, token: versionOf(found) };
}

async function metaOf(at: string): Promise<ContainerProperties & { readonly displayname?: string }> {
  const texts: Record<string, string> = {};
  for (const name of META) {
    const text = (await ifThere(readFile(join(at, name), 'utf8')))?.trim();
    if (text) texts[name] = text;
  }
  const order = Number(texts.order);
  const { order: _order, ...plain } = texts;
  return { ...plain, ...(texts.order !== undefined && Number.isInteger(order) && { order }) };
}

/** Makes the folder of a collection. Answers its name, and what is not kept. */
export async function makeCollection(
  root: string,
  name: string,
  properties: ContainerProperties = {},
): Promise<{ readonly key: string; readonly notes: readonly string[] }> {
  const taken = new Set((await readdir(root)).map(folded));
  const plain = plainName(name);
  let key = plain;
  for (let n = 2; taken.has(folded(key)); n++) key = `${plain} (${n})`;
  const at = join(root, key);
  await mkdir(at);
  const { color, description, order, timezone, components } = properties;
  const texts: Record<string, string | undefined> = {
    displayname: key === name ? undefined : name,
    // The specification knows six digits; a seventh and eighth are opacity.
    color: color?.slice(0, 7),
    description,
    order: order?.toString(),
  };
  for (const [file, text] of Object.entries(texts)) if (text !== undefined) await writeFileSafely(at, file, text);
  await syncFolder(root);
  const lost = Object.entries({ timezone, components }).flatMap(([what, value]) => (value === undefined ? [] : [what]));
  return { key, notes: lost.length > 0 ? [`not kept in a vdir: ${lost.join(', ')}`] : [] };
}

const MAX_NAME_BYTES = 200;

/** A name that every file system takes. */
function plainName(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/[/\\:*?"<>|\p{Cc}]/gu, '_')
    .replace(/^\.+/, '_')
    .replace(/[. ]+$/, '_');
  let cut = safe === '' ? '_' : safe;
  while (Buffer.byteLength(cut) > MAX_NAME_BYTES) cut = cut.slice(0, -1);
  return cut;
}

/** Names that some file system takes for the same. */
function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
