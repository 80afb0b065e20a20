/** A mailbox as real ones are, made from a seed: for the demo, tests and measurements. */
import type { Oddity } from './message.js';
import { makeMessage, oddityOf } from './message.js';
import { createRandom } from './random.js';

export interface SampleOptions {
  readonly seed: number;
  readonly messages: number;
  /** How many folders, the inbox among them. */
  readonly folders: number;
  readonly medianBytes: number;
  /** When given, sizes are scaled so that all messages together take about this much. */
  readonly totalBytes?: number;
  /** Well-formed messages only, each different. */
  readonly plain?: boolean;
}

export interface SampleMessage {
  readonly path: readonly string[];
  readonly bytes: Buffer;
  /** Sorted. */
  readonly flags: readonly string[];
  /** Internal date, UTC. */
  readonly date: string;
  readonly oddity?: Oddity | 'duplicate' | 'repeatedId';
}

/** Names that gave tools trouble; further folders are numbered. */
const FOLDERS: readonly (readonly string[])[] = [
  ['INBOX'],
  ['Sent'],
  ['Drafts'],
  ['Trash'],
  ['Junk'],
  ['Archive'],
  ['Archive', '2019'],
  ['Archive', '2020'],
  ['Projects'],
  ['Projects', 'Über & Söhne'],
  ['Projects', 'v1.2'],
  ['Projects', 'In/Out'],
  ['Projects', 'Nested', 'Deeper', 'Deepest'],
  ['Entwürfe — 日本語'],
  ['Q&A'],
  ['Old  mail of 2018'],
  ['50% "off"'],
  ["Anna's list"],
  ['Family'],
  ['receipts'],
];

const START = Date.UTC(2015, 0, 5, 8);
const SPREAD = 1.35;
const LARGEST = 20_000_000;
/** An inbox holds the most; the others share the rest unevenly. */
const INBOX_SHARE = 0.35;

export function samplePaths(folders: number): readonly (readonly string[])[] {
  return Array.from({ length: folders }, (_, n) => FOLDERS[n] ?? ['Lists', `list-${n}`]);
}

/** Yields the messages in the order of their dates. The same options give the same bytes. */
export function* sampleMailbox(options: SampleOptions): Generator<SampleMessage> {
  const random = createRandom(options.seed);
  const sizes = createRandom(options.seed + 1);
  const paths = samplePaths(options.folders);
  const scale = scaleOf(options);
  const earlier: SampleMessage[] = [];
  const step = (5 * 365 * 86_400_000) / options.messages;
  let lastId = '<first@old.example>';

  for (let n = 0; n < options.messages; n++) {
    const date = new Date(START + Math.floor((n + random.next()) * step));
    const path = random.chance(INBOX_SHARE) ? (paths[0] as readonly string[]) : random.pick(paths);
    const flags = flagsFor(random.next(), random.next(), path);
    const meta = { path, flags, date: `${date.toISOString().slice(0, 19)}+00:00` };
    const bytes = Math.min(LARGEST, sizes.logNormal(options.medianBytes, SPREAD) * scale);

    const original = earlier.length > 0 && !options.plain && random.chance(0.01) ? random.pick(earlier) : undefined;
    if (original) {
      yield { ...meta, path: random.chance(0.5) ? original.path : path, bytes: original.bytes, oddity: 'duplicate' };
      continue;
    }
    const oddity = options.plain ? undefined : oddityOf(random);
    const repeated = !options.plain && random.chance(0.01);
    const messageId = repeated ? lastId : `<${n}.${random.below(2 ** 31).toString(36)}@old.example>`;
    lastId = messageId;
    const made: SampleMessage = {
      ...meta,
      bytes: makeMessage(random, { bytes, date, messageId, oddity }),
      ...(oddity ? { oddity } : repeated ? { oddity: 'repeatedId' as const } : {}),
    };
    // Only small ones are kept for duplicates: samples may be of any size, memory not.
    if (made.bytes.length < 10_000 && random.chance(0.1)) {
      earlier.push(made);
      if (earlier.length > 50) earlier.shift();
    }
    yield made;
  }
}

/** Sizes are drawn from a chance of their own, so they can be summed before the first message is made. */
function scaleOf({ seed, messages, medianBytes, totalBytes }: SampleOptions): number {
  if (totalBytes === undefined) return 1;
  const sizes = createRandom(seed + 1);
  let sum = 0;
  for (let n = 0; n < messages; n++) sum += Math.min(LARGEST, sizes.logNormal(medianBytes, SPREAD));
  return totalBytes / sum;
}

function flagsFor(one: number, other: number, path: readonly string[]): string[] {
  const flags: string[] = [];
  if (path[0] === 'Drafts') flags.push('\\Draft');
  if (one < 0.85) flags.push('\\Seen');
  if (one < 0.2) flags.push('\\Answered');
  if (other < 0.05) flags.push('\\Flagged');
  if (other > 0.97) flags.push('$Forwarded');
  if (other > 0.9 && other < 0.92) flags.push('Project-X');
  return flags.sort();
}
