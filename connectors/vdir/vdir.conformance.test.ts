import { mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import type { ItemKind } from '../../tests/conformance/items.js';
import { rulesOf } from '../../tests/conformance/items.js';
import { suffixOf } from '../local/item-files.js';
import { createVdirSource } from './source.js';
import { createVdirTarget } from './target.js';

async function world(kind: ItemKind) {
  const dir = await mkdtemp(join(tmpdir(), 'vdir-'));
  const at = (path: readonly string[], name = '') => join(dir, ...path, name);
  const suffix = suffixOf(kind);
  return {
    kind,
    source: () => createVdirSource(dir, kind),
    target: () => createVdirTarget(dir, kind),
    async put(path: readonly string[], body: Buffer) {
      await mkdir(at(path), { recursive: true });
      const name = `${rulesOf(kind).identities(body, ['uid'])[0]?.slice(4)}${suffix}`;
      await writeFile(at(path, name), body);
      return name;
    },
    edit: (path: readonly string[], name: string, body: Buffer) => writeFile(at(path, name), body),
    drop: (path: readonly string[], name: string) => unlink(at(path, name)),
    dropContainer: (path: readonly string[]) => rm(at(path), { recursive: true }),
    async stored(path: readonly string[]) {
      const names = await readdir(at(path)).catch(() => []);
      return Promise.all(names.filter((name) => name.endsWith(suffix)).map((name) => readFile(at(path, name))));
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

const NO_FEED = 'a file system keeps no list of changes: folders are compared';

for (const kind of ['calendar', 'contacts'] as const) {
  itemSourceConformance({
    name: `vdir, ${kind}`,
    world: async () => {
      const made = await world(kind);
      return { ...made, open: made.source };
    },
    waived: {
      'tells what changed since a token': NO_FEED,
      'tells nothing when nothing changed': NO_FEED,
      'tells versions in changes as in listings': NO_FEED,
      'says so when a token is not known': NO_FEED,
    },
  });
  itemTargetConformance({
    name: `vdir, ${kind}`,
    kind,
    world: async () => {
      const made = await world(kind);
      return { ...made, open: made.target };
    },
  });
}
