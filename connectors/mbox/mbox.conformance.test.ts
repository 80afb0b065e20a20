import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { mailSourceConformance } from '../../tests/conformance/mail-source.js';
import { mailTargetConformance } from '../../tests/conformance/mail-target.js';
import type { Message, Stored } from '../../tests/conformance/mail-worlds.js';
import { folderKey } from './folder-files.js';
import { createMboxSource } from './source.js';
import { createMboxTarget } from './target.js';

const LETTERS: Record<string, string> = { '\\Answered': 'A', '\\Flagged': 'F', '\\Draft': 'T' };

function asctime(date = '2001-02-03T04:05:06Z'): string {
  const [, day, month, date2, year, time] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(date).toUTCString()) ?? [];
  return `${day} ${date2} ${String(Number(month)).padStart(2)} ${time} ${year}`;
}

/** Another program's hand in mbox files: written and read by plain text replacement. */
async function mbox() {
  const root = await mkdtemp(join(tmpdir(), 'drover-mbox-'));
  const fileOf = (path: readonly string[]) => join(root, folderKey(path));

  return {
    root,
    async put(path: readonly string[], { bytes, flags = [], date }: Message): Promise<string> {
      const file = fileOf(path);
      await mkdir(dirname(file), { recursive: true });
      const at = (await stat(file).catch(() => ({ size: 0 }))).size;
      let text = bytes.toString('latin1');
      if (flags.length > 0) {
        const letters = flags.map((flag) => LETTERS[flag] ?? '').join('');
        const keywords = flags.filter((flag) => !flag.startsWith('\\'));
        const status = `Status: ${flags.includes('\\Seen') ? 'RO' : 'O'}\r\nX-Status: ${letters}\r\n`;
        text = `${status}${keywords.length > 0 ? `X-Keywords: ${keywords.join(' ')}\r\n` : ''}${text}`;
      }
      text = text.replace(/^(>*From )/gm, '>$1');
      const fromLine = `From sender@example.org ${asctime(date)}\r\n`;
      const ending = text === '' || text.endsWith('\n') ? '\r\n' : '\r\n\r\n';
      await appendFile(file, Buffer.from(`${fromLine}${text}${ending}`, 'latin1'));
      return `${String(at).padStart(13, '0')}-${createHash('sha256').update(fromLine.trimEnd()).digest('hex').slice(0, 8)}`;
    },
    /** As mail programs do: a new file takes the place of the old. */
    async remove(path: readonly string[], key: string): Promise<void> {
      const text = await readFile(fileOf(path), 'latin1');
      const at = Number(key.slice(0, 13));
      const next = text.indexOf('\r\n\r\nFrom ', at);
      await writeFile(
        `${fileOf(path)}.tmp`,
        Buffer.from(text.slice(0, at) + (next === -1 ? '' : text.slice(next + 4)), 'latin1'),
      );
      await rename(`${fileOf(path)}.tmp`, fileOf(path));
    },
    async messages(path: readonly string[]): Promise<Stored[]> {
      const text = await readFile(fileOf(path), 'latin1').catch(() => '');
      return text
        .split(/(?<=^|\n\n)(?=From )/)
        .filter((one) => one !== '')
        .map((one) => {
          const [, line = '', status = '', xStatus = '', keywords = '', rest = ''] =
            /^From \S+ ([^\n]*)\nStatus: (.*)\nX-Status: (.*)\nX-Keywords: (.*)\n([\s\S]*)\n$/.exec(one) ?? [];
          const flags = Object.keys(LETTERS).filter((flag) => xStatus.includes(LETTERS[flag] ?? '?'));
          if (status.includes('R')) flags.push('\\Seen');
          if (keywords !== '') flags.push(...Buffer.from(keywords, 'latin1').toString().split(' '));
          return {
            bytes: Buffer.from(rest.replace(/^>(>*From )/gm, '$1'), 'latin1'),
            flags: flags.sort(),
            date: `${line} UTC`,
          };
        });
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

const ANEW = 'flags are headers: changing them, or taking messages out, writes the file anew';
const NO_HISTORY = 'a file keeps no history';
const APPENDED = 'messages in an mbox file are only appended';

mailSourceConformance({
  name: 'mboxrd',
  world: async () => {
    const there = await mbox();
    // A clock ahead: files at rest for longer than a tick of file times.
    return {
      ...there,
      open: () => createMboxSource({ path: there.root, dialect: 'mboxrd', now: () => Date.now() + 10_000 }),
    };
  },
  waived: {
    'keeps the zone of an internal date': 'the "From " line is in UTC',
    'changes the version with the flags': ANEW,
    'tells another token after a change of flags': ANEW,
    'refuses a vanished item and still reads its neighbours': ANEW,
    'keeps keys of neighbours when a message is removed': ANEW,
    'tells no changes when there are none': NO_HISTORY,
    'tells changes that bring an old listing up to date': NO_HISTORY,
    'does not tell a message that came and went as new': NO_HISTORY,
    'says that a foreign token is lost': NO_HISTORY,
  },
});

mailTargetConformance({
  name: 'mboxrd',
  world: async () => {
    const there = await mbox();
    return { ...there, open: () => createMboxTarget(there.root) };
  },
  waived: {
    'merges flags: adds, takes away, leaves what others set': APPENDED,
    'merges flags to what is there already': APPENDED,
    'keeps the content when flags change': APPENDED,
    'moves one message': APPENDED,
    'removes only the one asked for': APPENDED,
    'has removed what is gone': APPENDED,
    'survives removing, moving and changing what is gone': APPENDED,
    'leaves out of readBack what is not there': APPENDED,
  },
});
