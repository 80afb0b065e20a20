/** Writes a mailbox as a mail program exports it: a tree of mbox files. The same bytes each time. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asctime } from './message.js';
import type { SampleMessage, SampleOptions } from './messages.js';
import { sampleMailbox } from './messages.js';

export const DEMO_SAMPLE: SampleOptions = { seed: 20190301, messages: 2000, folders: 20, medianBytes: 5000 };

export interface Exported {
  readonly messages: number;
  readonly folders: number;
  readonly bytes: number;
  /** False when the export was there already. */
  readonly written: boolean;
}

/**
 * Writes the export for one account into `folder`, replacing what it holds; does nothing when this export is
 * there already, so its files keep their times. Synchronous: it is for set-up only.
 */
export function writeSampleExport(folder: string, options: SampleOptions = DEMO_SAMPLE): Exported {
  const marker = join(folder, '.sample.json');
  const known = readMarker(marker);
  if (known && JSON.stringify(known.options) === JSON.stringify(options)) return { ...known.exported, written: false };

  rmSync(folder, { recursive: true, force: true });
  const files = new Map<string, Buffer[]>();
  let [messages, bytes] = [0, 0];
  for (const message of sampleMailbox(options)) {
    const file = join(
      folder,
      ...message.path.slice(0, -1).map(fileName),
      `${fileName(message.path.at(-1) ?? '')}.mbox`,
    );
    const parts = files.get(file) ?? [];
    const entry = mboxEntry(message);
    parts.push(entry);
    files.set(file, parts);
    messages++;
    bytes += entry.length;
  }
  for (const [file, parts] of files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.concat(parts));
  }
  const exported = { messages, folders: files.size, bytes };
  writeFileSync(`${marker}.tmp`, JSON.stringify({ options, exported }));
  renameSync(`${marker}.tmp`, marker);
  return { ...exported, written: true };
}

interface Marker {
  readonly options: SampleOptions;
  readonly exported: Omit<Exported, 'written'>;
}

function readMarker(marker: string): Marker | undefined {
  try {
    return JSON.parse(readFileSync(marker, 'utf8')) as Marker;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** One message in mboxrd, with its flags in the headers that mail programs use. */
export function mboxEntry({ bytes, flags, date }: SampleMessage): Buffer {
  const has = (flag: string, letter: string) => (flags.includes(flag) ? letter : '');
  const keywords = flags.filter((flag) => !flag.startsWith('\\'));
  const status = [
    `Status: ${has('\\Seen', 'R')}O`,
    `X-Status: ${has('\\Answered', 'A')}${has('\\Flagged', 'F')}${has('\\Draft', 'T')}`,
    ...(keywords.length > 0 ? [`X-Keywords: ${keywords.join(' ')}`] : []),
  ].join('\n');
  const text = `${status}\n${bytes.toString('latin1')}`.replace(/^(>*From )/gm, '>$1');
  const ending = text.endsWith('\n') ? '\n' : '\n\n';
  return Buffer.from(`From MAILER-DAEMON ${asctime(new Date(date))}\n${text}${ending}`, 'latin1');
}

/** File systems allow all but the slash; the connector reads `%2F` as one. */
function fileName(name: string): string {
  return name.replaceAll('/', '%2F');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = 'sample/anna@old.example'] = process.argv.slice(2);
  const { messages, folders, bytes, written } = writeSampleExport(folder);
  console.log(
    `${folder}: ${messages} messages in ${folders} folders, ${bytes} bytes${written ? '' : ', there already'}`,
  );
}
