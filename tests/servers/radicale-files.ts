/** Radicale's own storage: filled and read without HTTP, as another program would find it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DavServer } from './dav-server.js';

export type Tag = 'VCALENDAR' | 'VADDRESSBOOK';

const PROPS = '.Radicale.props';

function rootOf({ folder }: DavServer, user: string): string {
  return join(folder, 'collection-root', user);
}

/** Makes a collection and its items, by file name. */
export function fillRadicale(
  server: DavServer,
  user: string,
  name: string,
  tag: Tag,
  items: Iterable<readonly [file: string, body: Buffer]>,
): void {
  const at = join(rootOf(server, user), name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, PROPS), JSON.stringify({ tag, 'D:displayname': name }));
  for (const [file, body] of items) writeFileSync(join(at, file), body);
}

/** Every item of a user, by the name of its collection. */
export function readRadicale(server: DavServer, user: string, tag: Tag): Map<string, Buffer[]> {
  const found = new Map<string, Buffer[]>();
  for (const [name, folder] of collectionsOf(server, user, tag)) {
    const at = join(rootOf(server, user), folder);
    const files = readdirSync(at).filter((file) => !file.startsWith('.'));
    found.set(
      name,
      files.map((file) => readFileSync(join(at, file))),
    );
  }
  return found;
}

/** The folders of a user's collections, by their names: the last part of their addresses. */
export function collectionsOf(server: DavServer, user: string, tag: Tag): Map<string, string> {
  const root = rootOf(server, user);
  const found = new Map<string, string>();
  for (const folder of existsSync(root) ? readdirSync(root) : []) {
    const props = join(root, folder, PROPS);
    if (!existsSync(props)) continue;
    const told = JSON.parse(readFileSync(props, 'utf8')) as Record<string, string>;
    if (told.tag === tag) found.set(told['D:displayname'] ?? folder, folder);
  }
  return found;
}

export function dropFromRadicale(server: DavServer, user: string, name: string): void {
  rmSync(join(rootOf(server, user), name), { recursive: true });
}
