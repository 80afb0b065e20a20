/** Collections: folders below the root, export files, and the root itself where it holds items. */
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Container, ContainerProperties } from '../contract.js';
import { Fault } from '../errors.js';
import type { ItemFile, Suffix } from '../local/item-files.js';
import { atOnce, isItem, itemFile, itemFilesIn, versionOf } from '../local/item-files.js';
import { ifThere, inside } from '../local/local-files.js';
import { calendarHead } from './exported.js';
import { hasSeveralItems } from './well-formed.js';

/** The key of the root as a collection. */
const ROOT = '.';

export interface Collection extends Container {
  readonly form: 'folder' | 'export';
}

/** Bytes of the longest name that file systems take. */
const MAX_NAME = 255;

/** A collection before it is known whether another has its name. */
interface Found extends Omit<Collection, 'path'> {
  readonly name: string;
  /** Whether the name is its key, so that it goes before others of that name. */
  readonly own: boolean;
}

/** Where a collection is, and how it is to be read. */
export interface Opened {
  readonly form: 'folder' | 'export';
  readonly at: string;
  files(): Promise<ItemFile[]>;
}

/** Remembers which files in the root are export files: telling takes a look inside. */
export class Collections {
  readonly #root: string;
  readonly #suffix: Suffix;
  readonly #exports = new Map<string, { readonly version: string; readonly exported: boolean }>();

  constructor(root: string, suffix: Suffix) {
    this.#root = root;
    this.#suffix = suffix;
  }

  /** By key, which is the name of the folder or file. `withTokens`: with their states, which costs a look at each file. */
  async all(withTokens: boolean): Promise<Collection[]> {
    if ((await lstat(this.#root)).isFile()) return named([await this.#exportFile(basename(this.#root), this.#root)]);
    const entries = (await readdir(this.#root, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
    const folders = entries.filter((entry) => entry.isDirectory());
    const found = await atOnce(folders, ({ name }) => this.#folder(name, withTokens));
    const { loose, exported } = await this.#sorted(entries);
    const files = await atOnce(exported, ({ name }) => this.#exportFile(name, join(this.#root, name)));
    const own = loose.length > 0 ? [await this.#rootFolder(loose, withTokens)] : [];
    return named([...own, ...found.flatMap((one) => one ?? []), ...files]);
  }

  /** One collection by its key. Throws `Fault('not-found')`, and `Fault('refused')` for a symbolic link. */
  async open(key: string): Promise<Opened> {
    const suffix = this.#suffix;
    if (key === ROOT) {
      const files = async (): Promise<ItemFile[]> =>
        (await this.#sorted(await readdir(this.#root, { withFileTypes: true }))).loose;
      return { form: 'folder', at: this.#root, files };
    }
    const root = await ifThere(lstat(this.#root));
    const at = root?.isFile() && key === basename(this.#root) ? this.#root : await inside(this.#root, [key]);
    const found = await ifThere(lstat(at));
    if (found?.isFile()) return { form: 'export', at, files: async () => [] };
    if (found?.isDirectory()) return { form: 'folder', at, files: () => itemFilesIn(at, suffix) };
    throw new Fault('not-found', `vdir: ${key} is not in ${this.#root} any more`, {
      next: 'the next run will see that; if it should be there, check the path in the spec',
    });
  }

  /** The folder, where one of just this name has no other name: finding it takes no look at the others. */
  async plainFolder(name: string): Promise<string | undefined> {
    if (name.startsWith('.') || /^$|[/\0]/.test(name) || Buffer.byteLength(name) > MAX_NAME) return undefined;
    if (!(await ifThere(lstat(join(this.#root, name))))?.isDirectory()) return undefined;
    const found = await this.#folder(name, false);
    return found?.name === name ? found.key : undefined;
  }

  /** Undefined for a folder that holds only items of the other kind. */
  async #folder(name: string, withTokens: boolean): Promise<Found | undefined> {
    const at = join(this.#root, name);
    const names = await ifThere(readdir(at));
    if (!names) return undefined;
    const other = this.#suffix === '.ics' ? '.vcf' : '.ics';
    if (names.some((one) => isItem(one, other)) && !names.some((one) => isItem(one, this.#suffix))) return undefined;
    const token = withTokens ? await ifThere(itemFilesIn(at, this.#suffix).then(tokenOf)) : '';
    if (token === undefined) return undefined;
    return this.#found(name, at, names, name, withTokens ? { token } : {});
  }

  async #rootFolder(loose: readonly ItemFile[], withTokens: boolean): Promise<Found> {
    const names = await readdir(this.#root);
    return this.#found(ROOT, this.#root, names, basename(this.#root), withTokens ? { token: tokenOf(loose) } : {});
  }

  async #found(
    key: string,
    at: string,
    names: readonly string[],
    plain: string,
    state: { readonly token?: string },
  ): Promise<Found> {
    const { displayname, ...properties } = await metaOf(at, names);
    // A file system may give a name back in another form than it got it in.
    const own = plain.normalize('NFC');
    const name = displayname ?? own;
    const rest = Object.keys(properties).length > 0 ? { properties } : {};
    return { key, name, own: name === own, validity: '1', form: 'folder', ...state, ...rest };
  }

  async #exportFile(key: string, path: string): Promise<Found> {
    const file = await lstat(path, { bigint: true });
    const own = key.slice(0, -this.#suffix.length) || key;
    const { name = own, ...properties } = this.#suffix === '.ics' ? await calendarHead(path) : {};
    const rest = Object.keys(properties).length > 0 ? { properties } : {};
    return { key, name, own: false, validity: '1', form: 'export', token: versionOf(file), ...rest };
  }

  /** The files in the root: items, and export files. */
  async #sorted(entries: readonly Dirent[]): Promise<{ loose: ItemFile[]; exported: ItemFile[] }> {
    const names = entries.flatMap(({ name }) => (isItem(name, this.#suffix) ? [name] : [])).sort();
    const files = (await atOnce(names, (name) => itemFile(this.#root, name))).flatMap((file) => file ?? []);
    const exported = await atOnce(files, (file) => this.#isExport(file));
    return {
      loose: files.filter((_, at) => !exported[at]),
      exported: files.filter((_, at) => exported[at]),
    };
  }

  async #isExport({ name, version }: ItemFile): Promise<boolean> {
    const known = this.#exports.get(name);
    if (known?.version === version) return known.exported;
    const path = join(this.#root, name);
    const titled = this.#suffix === '.ics' && (await calendarHead(path)).name !== undefined;
    const exported = titled || (await hasSeveralItems(createReadStream(path), this.#suffix));
    this.#exports.set(name, { version, exported });
    return exported;
  }
}

/** Changes with any file that comes, goes or changes: a folder's own time says nothing of edits in place. */
function tokenOf(files: readonly ItemFile[]): string {
  const hash = createHash('sha256');
  for (const { name, version } of files) hash.update(`${name}\0${version}\n`);
  return hash.digest('hex');
}

/** In the order of their keys; of two of one name, the second is told apart by its key. */
function named(found: readonly Found[]): Collection[] {
  const byKey = [...found].sort((a, b) => (a.key < b.key ? -1 : 1));
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const { key, name } of [...byKey.filter((one) => one.own), ...byKey.filter((one) => !one.own)]) {
    const free = taken.has(name) ? `${name} (${key})` : name;
    taken.add(free);
    names.set(key, free);
  }
  return byKey.map(({ name, own: _, ...collection }) => ({ ...collection, path: [names.get(collection.key) ?? name] }));
}

const META = ['color', 'displayname', 'description', 'order'] as const;

async function metaOf(
  at: string,
  names: readonly string[],
): Promise<ContainerProperties & { readonly displayname?: string }> {
  const texts: Partial<Record<(typeof META)[number], string>> = {};
  for (const name of META) {
    if (!names.includes(name)) continue;
    // A name is kept to the letter; editors end files with a line end.
    const text = (await ifThere(readFile(join(at, name), 'utf8')))?.replace(/\r?\n$/, '');
    if (text !== undefined && text.trim() !== '') texts[name] = name === 'displayname' ? text : text.trim();
  }
  const { order, ...plain } = texts;
  const number = Number(order);
  return { ...plain, ...(order !== undefined && Number.isInteger(number) && { order: number }) };
}
