/**
 * Claims: the worker's memory is flat from 10,000 to 200,000 messages, and at most 400 MB with 35 MB messages in
 * flight; at most 12 history events for 1,000 messages; a rerun with nothing to do over 100,000 messages takes no
 * longer than mbsync's.
 *
 *   npm run bench -- mail-scale [--sizes 10000,200000] [--rerun 100000] [--rounds 3] [--large 40]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { SampleMessage } from '../tests/sample/messages.js';
import { sampleMailbox } from '../tests/sample/messages.js';
import { startDovecot } from '../tests/servers/dovecot.js';
import { startDrover } from './drover.js';
import { fillMailbox } from './mailbox.js';
import { runMbsync } from './mbsync.js';

const PASSWORD = 'secret';
const FOLDERS = 21;
const LARGE_BYTES = 35 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,200000' },
    rerun: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    large: { type: 'string', default: '40' },
  },
});
const sizes = values.sizes.split(',').filter(Boolean).map(Number);
const rerun = Number(values.rerun);
const rounds = Number(values.rounds);
const large = Number(values.large);

const dir = await mkdtemp(join(tmpdir(), 'drover-bench-'));
const names = [
  'rerun',
  'rerun-drover',
  'rerun-mbsync',
  'large',
  'large-copy',
  ...sizes.flatMap((n) => [`m${n}`, `m${n}-copy`]),
];
const dovecot = await startDovecot({ users: Object.fromEntries(names.map((name) => [name, PASSWORD])) });
try {
  for (const size of sizes) {
    const { messages, bytes } = await fillMailbox(dovecot, `m${size}`, small(size));
    await measure(`${messages} messages, ${Math.round(bytes / 1e6)} MB`, `m${size}`, messages);
  }
  if (large > 0) {
    await fillMailbox(dovecot, 'large', huge(large));
    await measure(`${large} messages of 35 MB`, 'large', large);
  }
  if (rerun > 0) await compareReruns();
} finally {
  await dovecot.stop();
  await rm(dir, { recursive: true, force: true });
}

/** One first run on a fresh worker: its peak memory and its history. */
async function measure(title: string, user: string, messages: number): Promise<void> {
  const drover = await startDrover(await mkdtemp(join(dir, 'stack-')));
  try {
    let peak = 0;
    const timer = setInterval(async () => {
      const status = await readFile(`/proc/${drover.dev.workerPid()}/status`, 'utf8').catch(() => '');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    }, 200);
    const times = await drover.apply(user, { port: dovecot.port, user }, { port: dovecot.port, user: `${user}-copy` });
    clearInterval(timer);
    if (times.verified !== messages) throw new Error(`${times.verified} of ${messages} verified`);
    const rate = Math.round((messages / times.moveMs) * 1000);
    const events = ((times.historyEvents / messages) * 1000).toFixed(2);
    console.log(
      `${title}: worker's peak memory ${Math.round(peak)} MB; moved ${rate} messages a second; ${times.historyEvents} history events, ${events} for 1,000 messages`,
    );
  } finally {
    await drover.stop();
  }
}

async function compareReruns(): Promise<void> {
  await fillMailbox(dovecot, 'rerun', small(rerun));
  const job = {
    dir,
    name: 'rerun',
    source: { port: dovecot.port, user: 'rerun' },
    password: PASSWORD,
    patterns: ['*'],
  };
  const peer = { ...job, target: { port: dovecot.port, user: 'rerun-mbsync' } };
  const drover = await startDrover(await mkdtemp(join(dir, 'stack-')));
  try {
    const again = () => drover.apply('rerun', job.source, { port: dovecot.port, user: 'rerun-drover' });
    await runMbsync(peer);
    await again();
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      theirs.push(await runMbsync(peer));
      ours.push((await again()).wallMs);
    }
    const seconds = (all: number[]): string => all.map((ms) => (ms / 1000).toFixed(2)).join(', ');
    console.log(
      `rerun with nothing to do over ${rerun} messages, seconds: mbsync ${seconds(theirs)}; drover, whole command ${seconds(ours)}`,
    );
  } finally {
    await drover.stop();
  }
}

function* small(messages: number): Generator<SampleMessage> {
  const options = {
    seed: 11,
    messages,
    folders: FOLDERS,
    medianBytes: 1_500,
    totalBytes: messages * 2_500,
    plain: true,
  };
  for (const message of sampleMailbox(options)) {
    yield {
      ...message,
      path: message.path[0] === 'INBOX' ? ['INBOX'] : [`f-${message.path.join('-').replace(/[^a-z0-9]/gi, '')}`],
    };
  }
}

function* huge(messages: number): Generator<SampleMessage> {
  const line = `${'x'.repeat(76)}\r\n`;
  const body = line.repeat(Math.floor(LARGE_BYTES / line.length));
  for (let n = 0; n < messages; n++) {
    yield {
      path: ['INBOX'],
      bytes: Buffer.from(`Message-ID: <${n}@bench>\r\n\r\n${n}\r\n${body}`),
      flags: [],
      date: '2020-01-01T00:00:00+00:00',
    };
  }
}
