/**
 * Claim: mail moves at least twice as fast as one mbsync process, three times over a 40 ms round trip, with the
 * ledger on. Every figure stands beside the peer's from the same run on the same Dovecot.
 *
 *   npm run bench -- mail [--messages 10000] [--rounds 3] [--delay 20]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sampleMailbox, samplePaths } from '../tests/sample/messages.js';
import { startDovecot } from '../tests/servers/dovecot.js';
import { startProxy } from '../tests/servers/proxy.js';
import { startDrover } from './drover.js';
import { fillMailbox } from './mailbox.js';
import { runMbsync } from './mbsync.js';

const PASSWORD = 'secret';
const FOLDERS = 21;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    delay: { type: 'string', default: '0,20' },
  },
});
const messages = Number(values.messages);
const rounds = Number(values.rounds);

const dir = await mkdtemp(join(tmpdir(), 'drover-bench-'));
const users = Object.fromEntries(
  ['src', ...['a', 'b', 'c'].flatMap((x) => Array.from({ length: (rounds + 1) * 4 }, (_, n) => `${x}${n}`))].map(
    (user) => [user, PASSWORD],
  ),
);
const dovecot = await startDovecot({ users });
const drover = await startDrover(dir);
try {
  // Names of the demo without the odd ones: mbsync cannot make a folder whose name holds its delimiter.
  const paths = samplePaths(FOLDERS).map((_, n) => (n === 0 ? ['INBOX'] : [`folder-${n}`]));
  const sample = function* () {
    const known = new Map(samplePaths(FOLDERS).map((path, n) => [path.join('/'), paths[n] as string[]]));
    for (const m of sampleMailbox({
      seed: 7,
      messages,
      folders: FOLDERS,
      medianBytes: 8_000,
      totalBytes: messages * 26_000,
      plain: true,
    })) {
      yield { ...m, path: known.get(m.path.join('/')) as string[] };
    }
  };
  const filled = await fillMailbox(dovecot, 'src', sample());
  console.log(
    `${filled.messages} messages, ${Math.round(filled.bytes / 1e6)} MB, ${FOLDERS} folders, Maildir on both sides, Dovecot mail_fsync=never`,
  );
  await runMbsync({
    dir,
    name: 'warm',
    source: { port: dovecot.port, user: 'src' },
    target: { port: dovecot.port, user: 'a0' },
    password: PASSWORD,
    patterns: ['none'],
  });

  let at = 0;
  for (const delayMs of values.delay.split(',').map(Number)) {
    const proxy = await startProxy({ to: dovecot, delayMs });
    const port = delayMs === 0 ? dovecot.port : proxy.port;
    const source = { port, user: 'src' };
    const rows: Record<string, number[]> = {
      'mbsync, one process': [],
      'mbsync, two processes': [],
      'drover, move': [],
      'drover, verify': [],
      'drover, whole command': [],
    };
    // Round 0 warms both up (indexes, caches, compiled code) and is not counted.
    for (let round = 0; round <= rounds; round++, at++) {
      const job = { dir, source, password: PASSWORD };
      const counted = round > 0;
      const add = (row: string, ms: number): void => {
        if (counted) rows[row]?.push((filled.messages / ms) * 1000);
      };
      const one = { ...job, name: `one-${at}`, target: { port, user: `a${at}` }, patterns: ['*'] };
      add('mbsync, one process', await runMbsync(one));
      const started = performance.now();
      const halves = [paths.filter((_, n) => n % 2 === 0), paths.filter((_, n) => n % 2 === 1)];
      await Promise.all(
        halves.map((half, n) =>
          runMbsync({
            ...job,
            name: `two-${at}-${n}`,
            target: { port, user: `b${at}` },
            patterns: half.map((path) => path.join('/')),
          }),
        ),
      );
      add('mbsync, two processes', performance.now() - started);
      const times = await drover.apply(`bench-${at}`, source, { port, user: `c${at}` });
      if (times.verified !== filled.messages)
        throw new Error(`drover verified ${times.verified} of ${filled.messages}`);
      add('drover, move', times.moveMs);
      add('drover, verify', times.verifyMs);
      add('drover, whole command', times.wallMs);
      console.log(`round ${round}, ${delayMs * 2} ms: drover ${JSON.stringify(times)}`);
    }
    await proxy.stop();
    print(`round trip ${delayMs * 2} ms`, rows);
  }
} finally {
  await drover.stop();
  await dovecot.stop();
  await rm(dir, { recursive: true, force: true });
}

function print(title: string, rows: Readonly<Record<string, readonly number[]>>): void {
  const peer = rows['mbsync, one process'] as number[];
  console.log(
    `\n${title}: messages a second, median (min to max) of ${peer.length}; ratio to one mbsync, round by round`,
  );
  for (const [name, rates] of Object.entries(rows)) {
    const ratios = rates.map((rate, n) => rate / (peer[n] as number));
    console.log(`  ${name.padEnd(24)} ${show(rates, 0).padStart(24)}   ${show(ratios, 2)}`);
  }
}

function show(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const f = (n: number | undefined): string => (n ?? Number.NaN).toFixed(digits);
  return `${f(sorted[Math.floor(sorted.length / 2)])} (${f(sorted[0])} to ${f(sorted.at(-1))})`;
}
