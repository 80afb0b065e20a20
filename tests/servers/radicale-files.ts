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
  const root = rootOf(server, user);
  const found = new Map<string, Buffer[]>();
  for (const name of existsSync(root) ? readdirSync(root) : []) {
    const props = join(root, name, PROPS);
    if (!existsSync(props)) continue;
    const told = JSON.parse(readFileSync(props, 'utf8')) as Record<string, string>;
    if (told.tag !== tag) continue;
    const files = readdirSync(join(root, name)).filter((file) => !file.startsWith('.'));
    found.set(
      told['D:displayname'] ?? name,
      files.map((file) => readFileSync(join(root, name, file))),
    );
  }
  return found;
}

export function dropFromRadicale(server: DavServer, user: string, name: string): void {
  rmSync(join(rootOf(server, user), name), { recursive: true });
}
