/** The suite for files on an emulated Nextcloud in front of a real Apache. Each trait has a folder of its own. */
import { afterAll, beforeAll } from 'vitest';
import { fileSourceConformance } from '../../tests/conformance/file-source.js';
import { fileTargetConformance } from '../../tests/conformance/file-target.js';
import type { Nextcloud } from '../../tests/servers/nextcloud.js';
import { startNextcloud } from '../../tests/servers/nextcloud.js';
import { sessionsOn } from '../../tests/servers/nextcloud-account.js';
import { foldersAbove } from '../kinds/files.js';

let nextcloud: Nextcloud;
let worlds = 0;

const COMPOSED = 'Nextcloud keeps all names in Unicode form C, and `names` says so';

beforeAll(async () => {
  nextcloud = await startNextcloud({ quota: 100 * 1024 ** 3 });
});
afterAll(() => nextcloud?.stop());

async function world() {
  const folder = `world ${++worlds}`;
  const { ask, list } = nextcloud;
  await ask('MKCOL', folder);
  const sessions = sessionsOn(nextcloud);
  const known = new Set<string>();
  const at = (path: string): string => `${folder}/${path.replace(/\/$/, '')}`;
  const mkdir = async (path: string): Promise<void> => {
    for (const one of foldersAbove(`${path}x`)) {
      if (known.has(one)) continue;
      await ask('MKCOL', at(one)).catch((error: Error) => {
        // It is there already.
        if (!error.message.includes(': 405 ')) throw error;
      });
      known.add(one);
    }
  };
  return {
    source: () => sessions.source({ folder }),
    target: () => sessions.target({ folder }),
    mkdir,
    async put(path: string, bytes: Buffer, modified?: string) {
      await mkdir(foldersAbove(path).at(-1) ?? '');
      const date = modified === undefined ? {} : { 'x-oc-mtime': String(Date.parse(modified) / 1000) };
      await ask('PUT', at(path), date, bytes);
    },
    async remove(path: string) {
      known.clear();
      await ask('DELETE', at(path));
    },
    async read(path: string) {
      const answer = await ask('GET', at(path)).catch(() => undefined);
      return answer && Buffer.from(await answer.arrayBuffer());
    },
    list: () => list(folder),
    async close() {
      sessions.close();
      await ask('DELETE', folder);
    },
  };
}

fileSourceConformance({
  name: 'nextcloud, emulated',
  world: async () => {
    const made = await world();
    return { ...made, open: made.source };
  },
  waived: {
    'lists and reads decomposed letters': COMPOSED,
    'tells apart names that differ in Unicode form': COMPOSED,
    'lists and reads backslashes': 'Nextcloud keeps no names with a backslash, whatever is configured',
    'lists and reads control characters': 'Nextcloud keeps no names with control characters',
    'lists and reads names of 255 bytes': 'Nextcloud keeps names of up to 250 bytes',
  },
});

fileTargetConformance({
  name: 'nextcloud, emulated',
  world: async () => {
    const made = await world();
    return { ...made, open: made.target };
  },
  waived: { 'keeps decomposed letters': COMPOSED },
});
