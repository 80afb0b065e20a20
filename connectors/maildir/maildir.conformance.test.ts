import { mkdir, mkdtemp, readFile, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mailSourceConformance } from '../../tests/conformance/mail-source.js';
import { mailTargetConformance } from '../../tests/conformance/mail-target.js';
import type { Message, Stored } from '../../tests/conformance/mail-worlds.js';
import { flagsOf, keywordsOf, lettersOf, withKeywords } from './flags.js';
import type { Layout } from './folders.js';
import { folderKey } from './folders.js';
import { messageFilesIn } from './message-files.js';
import { createMaildirSource } from './source.js';
import { createMaildirTarget } from './target.js';

const never = new AbortController().signal;

/** Another program's hand in a Maildir. */
async function maildir(layout: Layout) {
  const root = await mkdtemp(join(tmpdir(), 'drover-maildir-'));
  let count = 0;

  async function folder(path: readonly string[]): Promise<string> {
    let at = root;
    for (let depth = layout === 'fs' ? 1 : path.length; depth <= path.length; depth++) {
      at = join(root, folderKey(path.slice(0, depth), layout));
      if (layout === 'maildir++' || depth === path.length || path.length > 1) {
        for (const sub of ['cur', 'new', 'tmp']) await mkdir(join(at, sub), { recursive: true });
      }
    }
    return at;
  }

  async function lettered(at: string, flags: readonly string[]): Promise<string> {
    return lettersOf(flags, await withKeywords(at, await keywordsOf(at), flags, never)).letters;
  }

  return {
    root,
    async put(path: readonly string[], { bytes, flags = [], date }: Message): Promise<string> {
      if (layout === 'maildir++') for (let depth = 1; depth < path.length; depth++) await folder(path.slice(0, depth));
      const at = await folder(path);
      const key = `${1_500_000_000 + count}.M${count++}P7.host`;
      const letters = await lettered(at, flags);
      const file = letters === '' && count % 2 === 0 ? join(at, 'new', key) : join(at, 'cur', `${key}:2,${letters}`);
      await writeFile(file, bytes);
      if (date !== undefined) await utimes(file, Date.parse(date) / 1000, Date.parse(date) / 1000);
      return key;
    },
    async setFlags(path: readonly string[], key: string, flags: readonly string[]): Promise<void> {
      const at = await folder(path);
      const file = (await messageFilesIn(at)).get(key);
      await rename(join(at, file?.name ?? ''), join(at, 'cur', `${key}:2,${await lettered(at, flags)}`));
    },
    async remove(path: readonly string[], key: string): Promise<void> {
      const at = await folder(path);
      await unlink(join(at, (await messageFilesIn(at)).get(key)?.name ?? ''));
    },
    async messages(path: readonly string[]): Promise<Stored[]> {
      const at = await folder(path);
      const keywords = await keywordsOf(at);
      const files = [...(await messageFilesIn(at)).values()];
      return Promise.all(
        files.map(async (file) => {
          const { stat } = await import('node:fs/promises');
          const { mtime } = await stat(join(at, file.name));
          return {
            bytes: await readFile(join(at, file.name)),
            flags: flagsOf(file.letters, keywords),
            date: mtime.toISOString(),
          };
        }),
      );
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

for (const layout of ['maildir++', 'fs'] as const) {
  mailSourceConformance({
    name: layout,
    world: async () => {
      const there = await maildir(layout);
      // A clock ahead: folders at rest for longer than a tick of file times.
      const now = () => Date.now() + 10_000;
      return { ...there, open: () => createMaildirSource({ path: there.root, layout, now }) };
    },
    waived: {
      'keeps the zone of an internal date': 'a file time has no zone',
      'tells no changes when there are none': 'a Maildir keeps no history',
      'tells changes that bring an old listing up to date': 'a Maildir keeps no history',
      'does not tell a message that came and went as new': 'a Maildir keeps no history',
      'says that a foreign token is lost': 'a Maildir keeps no history',
    },
  });

  mailTargetConformance({
    name: layout,
    world: async () => {
      const there = await maildir(layout);
      return { ...there, open: () => createMaildirTarget({ path: there.root, layout }) };
    },
  });
}
