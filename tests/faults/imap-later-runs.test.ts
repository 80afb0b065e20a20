/** Later runs over the same mailboxes on real servers, with all that Dovecot offers and with what others lack. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Selection, Spec } from '../../schemas/spec.js';
import { plain } from '../conformance/odd-messages.js';
import { applySpec } from '../e2e/apply-spec.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
import { ImapWitness } from '../servers/imap-witness.js';
import type { TestProxy } from '../servers/proxy.js';
import { startProxy } from '../servers/proxy.js';
import { contentsOf, difference, imapSystem, mailSpec, PASSWORD_VARIABLE } from './mailboxes.js';

let test: TestStack;
beforeAll(async () => {
  process.env[PASSWORD_VARIABLE] = 'secret';
  test = await startTestStack();
});
afterAll(() => test?.stop());

interface Pair {
  readonly source: Dovecot;
  readonly target: Dovecot;
  readonly sourceLine: TestProxy;
  readonly targetLine: TestProxy;
  readonly there: ImapWitness;
  readonly here: ImapWitness;
  spec(selection?: Partial<Selection>): Spec;
}

/** Two servers with hands in both, and lines to them that can be cut. */
async function pair({ onTestFinished }: TestContext, name: string, without: readonly string[] = []): Promise<Pair> {
  const [source, target] = await Promise.all([
    startDovecot({ withoutCapabilities: without }),
    startDovecot({ withoutCapabilities: without }),
  ]);
  const [sourceLine, targetLine] = await Promise.all([startProxy({ to: source }), startProxy({ to: target })]);
  const there = await ImapWitness.open(source, 'anna');
  const here = await ImapWitness.open(target, 'anna');
  onTestFinished(async () => {
    await Promise.all([there.close(), here.close()]);
    await Promise.all([sourceLine.stop(), targetLine.stop()]);
    await Promise.all([source.stop(), target.stop()]);
  });
  return {
    source,
    target,
    sourceLine,
    targetLine,
    there,
    here,
    spec: (selection) => mailSpec(name, imapSystem(sourceLine), imapSystem(targetLine), [['anna', 'anna']], selection),
  };
}

async function run(spec: Spec) {
  const result = await (await applySpec(test.client, test.stack.taskQueue, spec)).result();
  expect(result).toMatchObject({ state: 'done', totals: { failures: 0, duplicates: 0, pending: 0, arrived: 0 } });
  return result.totals;
}

const INBOX = ['INBOX'];
const LISTS = ['Lists'];
const message = (mark: string | number, flags: readonly string[] = ['\\Seen']) => ({
  bytes: plain(mark),
  flags,
  date: `2021-05-06T07:08:${String(Number(mark) % 60 || 0).padStart(2, '0')}Z`,
});

async function compare({ source, target }: Pair) {
  return difference(await contentsOf(source, 'anna'), await contentsOf(target, 'anna'));
}

const stateOf = async ({ here }: Pair) => [await here.state(INBOX), await here.state(LISTS)];

const CAPABILITIES = {
  'all of Dovecot': [],
  'no QRESYNC': ['QRESYNC'],
  'no CONDSTORE': ['CONDSTORE', 'QRESYNC'],
  'no UIDPLUS': ['UIDPLUS'],
  'no MULTIAPPEND': ['MULTIAPPEND'],
  'no LITERAL+': ['LITERAL+'],
  'IMAP4rev1 alone': [
    ...['CONDSTORE', 'QRESYNC', 'UIDPLUS', 'MULTIAPPEND', 'LITERAL+', 'MOVE', 'ESEARCH', 'LIST-STATUS'],
    ...['LIST-EXTENDED', 'SPECIAL-USE', 'NAMESPACE', 'BINARY', 'ENABLE', 'UNSELECT', 'ID', 'STATUS=SIZE'],
  ],
} as const;

describe.concurrent('later runs', () => {
  it.for(Object.entries(CAPABILITIES))('carry what changed, and nothing else: %s', async ([name, without], t) => {
    const two = await pair(t, `later-${name.replaceAll(/\W+/g, '-').toLowerCase()}`, without);
    const { there, here } = two;
    const keys: string[] = [];
    for (let n = 0; n < 12; n++) keys.push(await there.put(INBOX, message(n)));
    await there.put(INBOX, message(5));
    await there.put(LISTS, message(20));
    const key = (n: number) => keys[n] as string;

    expect(await run(two.spec())).toMatchObject({ items: 14, verified: 14, changed: 14 });
    expect(await compare(two)).toEqual({ lost: [], extra: [] });

    const before = await stateOf(two);
    expect(await run(two.spec())).toMatchObject({ items: 14, verified: 14, changed: 0 });
    expect(await stateOf(two), 'a rerun writes nothing').toEqual(before);

    await there.put(INBOX, message(30, []));
    await there.put(LISTS, message(31, ['\\Flagged', 'Project-X']));
    await there.setFlags(INBOX, key(0), ['\\Flagged', '\\Seen']);
    await there.setFlags(INBOX, key(1), []);
    await there.setFlags(INBOX, key(2), ['\\Answered', '\\Seen', 'Later']);
    await there.move(INBOX, key(3), LISTS);
    await run(two.spec());
    const moved = await compare(two);
    expect(moved.lost, 'new mail, flags and a move arrive').toEqual([]);
    // Without UIDPLUS one message alone cannot be expunged: what moved or was deleted stays.
    const canRemove = !(without as readonly string[]).includes('UIDPLUS');
    expect(moved.extra.map(([line]) => line)).toEqual(canRemove ? [] : [expect.stringMatching(/^INBOX .*:03.000Z$/)]);

    await here.setFlags(INBOX, key(6), ['\\Seen', '\\Flagged']);
    await there.setFlags(INBOX, key(6), ['\\Seen', '\\Answered']);
    await run(two.spec());
    const merged = await compare(two);
    expect(merged.lost.length).toBe(1);
    expect(merged.extra).toContainEqual([expect.stringContaining('[\\Answered \\Flagged \\Seen]'), -1]);

    await there.remove(INBOX, key(7));
    await there.remove(LISTS, '1');
    await run(two.spec());
    const kept = await compare(two);
    expect(kept.extra.length, 'deletions are ignored unless the spec mirrors them').toBe(merged.extra.length + 2);
    await run(two.spec({ deletions: 'mirror', maxDeletions: 1 }));
    expect(await compare(two)).toEqual(canRemove ? merged : kept);

    const settled = await stateOf(two);
    expect(await run(two.spec({ deletions: 'mirror', maxDeletions: 1 }))).toMatchObject({ changed: 0 });
    expect(await stateOf(two)).toEqual(settled);
  });

  it('recognise a source that was renumbered', async (t) => {
    const two = await pair(t, 'renumbered-source');
    for (let n = 0; n < 10; n++) await two.there.put(INBOX, message(n % 8));
    await two.there.put(LISTS, message(20));
    await run(two.spec());
    const before = await stateOf(two);

    await renumber(two.source, two.sourceLine, two.there);
    await byHand(two.source, (hand) => hand.put(INBOX, message(30)));

    expect(await run(two.spec())).toMatchObject({ items: 12, verified: 12 });
    expect(await compare(two)).toEqual({ lost: [], extra: [] });
    expect((await stateOf(two))[1], 'the other folder was left alone').toBe(before[1]);
    expect(await run(two.spec())).toMatchObject({ changed: 0 });
  });

  it('recognise a target that was renumbered', async (t) => {
    const two = await pair(t, 'renumbered-target');
    for (let n = 0; n < 10; n++) await two.there.put(INBOX, message(n % 8));
    await two.there.put(LISTS, message(20));
    await run(two.spec());

    await renumber(two.target, two.targetLine, two.here);
    await two.there.put(INBOX, message(30));
    await two.there.setFlags(INBOX, '1', ['\\Flagged']);

    expect(await run(two.spec())).toMatchObject({ items: 12, verified: 12 });
    expect(await compare(two)).toEqual({ lost: [], extra: [] });
    expect(await run(two.spec())).toMatchObject({ changed: 0 });
  });
});

async function byHand<T>(server: Dovecot, use: (hand: ImapWitness) => Promise<T>): Promise<T> {
  const hand = await ImapWitness.open(server, 'anna');
  try {
    return await use(hand);
  } finally {
    await hand.close();
  }
}

/** Deletes Dovecot's list of the inbox's UIDs, as a restored backup lacks it: the inbox gets another UIDVALIDITY. */
async function renumber(server: Dovecot, line: TestProxy, open: ImapWitness): Promise<void> {
  // A mail process keeps what it knows until its connection ends.
  line.cut();
  await open.close();
  const validity = () => byHand(server, async (hand) => /uidvalidity \d+/.exec(await hand.state(INBOX))?.[0]);
  const before = await validity();
  const root = server.mailDir('anna');
  while ((await validity()) === before) {
    for (const name of await readdir(root)) {
      if (name === 'dovecot-uidlist' || name.startsWith('dovecot.index')) await rm(join(root, name), { force: true });
    }
  }
}
