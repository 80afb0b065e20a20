/** A mailbox that mbsync has half copied, with the header it adds to each message: the rest is copied, nothing twice. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestMail } from '../../connectors/kinds/mail.js';
import { fillMaildir, imapSystem, mailSpec, PASSWORD_VARIABLE, smallMailbox } from '../faults/mailboxes.js';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
import { ImapWitness } from '../servers/imap-witness.js';
import { applySpec } from './apply-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

const MESSAGES = 400;

let test: TestStack;
let source: Dovecot;
let target: Dovecot;
let dir: string;
beforeAll(async () => {
  process.env[PASSWORD_VARIABLE] = 'secret';
  dir = await mkdtemp(join(tmpdir(), 'drover-mbsync-'));
  [test, source, target] = await Promise.all([
    startTestStack({ DROVER_REPORT_FOLDER: join(dir, 'reports') }),
    startDovecot(),
    startDovecot(),
  ]);
});
afterAll(async () => {
  await Promise.all([test?.stop(), source?.stop(), target?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

/** Lets mbsync copy some folders, of each the newest messages, at most so many. */
async function mbsync(patterns: string, atMost: number): Promise<void> {
  const account = (name: string, server: Dovecot) =>
    `IMAPAccount ${name}\nHost 127.0.0.1\nPort ${server.port}\nUser anna\nPass secret\nSSLType None\nAuthMechs LOGIN\n\nIMAPStore ${name}-store\nAccount ${name}\n\n`;
  const config = join(dir, 'mbsyncrc');
  await writeFile(
    config,
    `${account('old', source)}${account('new', target)}Channel move\nFar :old-store:\nNear :new-store:\nPatterns ${patterns}\nCreate Near\nSync Pull New Flags\nCopyArrivalDate yes\nMaxMessages ${atMost}\nExpireUnread yes\nSyncState ${dir}/state-\n`,
  );
  execFileSync('mbsync', ['-c', config, 'move'], { stdio: 'pipe' });
}

/** Every folder's messages by the digest of their canonical form, date and flags, as counts. */
async function digests(server: Dovecot, paths: ReadonlySet<string>): Promise<Map<string, number>> {
  const hand = await ImapWitness.open(server, 'anna');
  const counts = new Map<string, number>();
  for (const path of paths) {
    for (const { bytes, date, flags } of await hand.messages(path.split('/'))) {
      const name = `${path} ${digestMail(bytes)} ${date} ${flags.join(' ')}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  await hand.close();
  return counts;
}

it('adopts what mbsync has copied, and copies the rest', async () => {
  const messages = [...smallMailbox(11, MESSAGES)];
  const paths = new Set(messages.map(({ path }) => path.join('/')));
  fillMaildir(source, 'anna', messages);
  await mbsync('INBOX Sent', 60);
  const hand = await ImapWitness.open(target, 'anna');
  const halfway = [...(await hand.messages(['INBOX'])), ...(await hand.messages(['Sent']))];
  await hand.close();
  expect(halfway.length).toBeGreaterThan(60);
  expect(halfway.length).toBeLessThan(MESSAGES / 2);
  expect(halfway.filter(({ bytes }) => /^X-TUID: /m.test(bytes.toString('latin1'))).length).toBe(halfway.length);

  const spec = mailSpec('half-copied', imapSystem(source), imapSystem(target), [['anna', 'anna']]);
  const result = await (await applySpec(test.client, test.stack.taskQueue, spec)).result();

  expect(result).toMatchObject({
    state: 'done',
    totals: { items: MESSAGES, verified: MESSAGES, failures: 0, duplicates: 0, changed: MESSAGES - halfway.length },
  });
  expect(await digests(target, paths)).toEqual(await digests(source, paths));
  const { rows } = await test.ledger.pool.query<{ proof: string; count: number }>(
    'select proof, count(*) from item group by proof',
  );
  expect(Object.fromEntries(rows.map((row) => [row.proof, row.count]))).toEqual({
    scan: halfway.length,
    readback: MESSAGES - halfway.length,
  });
  const items = JSON.parse(await readFile(await reportFile('.json'), 'utf8')) as unknown;
  expect(JSON.stringify(items)).toContain('"scan"');
});

async function reportFile(suffix: string): Promise<string> {
  const files = execFileSync('find', [join(dir, 'reports'), '-type', 'f', '-name', `*${suffix}`], { encoding: 'utf8' });
  const file = files.split('\n').find((name) => name !== '');
  if (!file) throw new Error(`the run left no report that ends in ${suffix}`);
  return file;
}
