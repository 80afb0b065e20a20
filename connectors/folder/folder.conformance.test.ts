import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileSourceConformance } from '../../tests/conformance/file-source.js';
import { fileTargetConformance } from '../../tests/conformance/file-target.js';
import { STAGING } from './held-folder.js';
import { createFolderSource } from './source.js';
import { createFolderTarget } from './target.js';

async function world() {
  const dir = await mkdtemp(join(tmpdir(), 'folder-'));
  const at = (path: string) => join(dir, path);
  let edits = 0;
  return {
    source: () => createFolderSource(dir, 'skip'),
    target: () => createFolderTarget({ path: dir }),
    async put(path: string, bytes: Buffer, modified?: string) {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), bytes);
      // The clock of a file system ticks every few milliseconds, and edits follow each other faster here than anywhere.
      const date = new Date(modified ?? Date.now() + ++edits);
      await utimes(at(path), date, date);
    },
    async mkdir(path: string) {
      await mkdir(at(path), { recursive: true });
    },
    remove: (path: string) => rm(at(path), { recursive: true }),
    read: (path: string) => readFile(at(path)).catch(() => undefined),
    async list() {
      const found = await readdir(dir, { recursive: true, withFileTypes: true });
      const paths = found.map((one) => join(relative(dir, one.parentPath), one.name) + (one.isDirectory() ? '/' : ''));
      return paths.filter((path) => !path.startsWith(STAGING)).sort();
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

fileSourceConformance({
  name: 'folder',
  world: async () => {
    const made = await world();
    return { ...made, open: made.source };
  },
  waived: {
    'changes its token with every edit, addition and removal, in any depth':
      'a file system keeps no state of a whole tree: it is listed each time',
  },
});

fileTargetConformance({
  name: 'folder',
  world: async () => {
    const made = await world();
    return { ...made, open: made.target };
  },
  waived: {
    'tells the SHA-256 of what it stores': 'a file system keeps no checksums: reading back is what there is',
  },
});
