/** `migrate approve`: a look at what it covers, a question, and nothing else that happens by it. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { MemoryStore } from '../../connectors/memory/store.js';
import { memoryStore, removeFrom } from '../../connectors/memory/store.js';
import { approveSignal, makeMigrationId, progressQuery, retrySignal } from '../../workflows/messages.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import type { Terminal } from './terminal.js';
import { migrate, terminalAt } from './terminal.js';

let stack: TestStack;
let terminal: Terminal;

beforeAll(async () => {
  stack = await startTestStack();
  terminal = terminalAt(stack);
});
afterAll(() => stack.stop());

const INBOX = ['INBOX'];

interface Mirrored {
  readonly name: string;
  readonly file: string;
  readonly source: MemoryStore;
  /** Messages that a person's inbox holds in the target. */
  left(person: string): number;
}

/** A spec of mail between two systems in memory. */
async function written(selection: object): Promise<Omit<Mirrored, 'left'> & { readonly target: MemoryStore }> {
  const name = `move-${randomUUID().slice(0, 8)}`;
  const file = join(stack.dir, `${name}.json`);
  const [source, target] = [memoryStore(`${name}-source`), memoryStore(`${name}-target`)];
  const spec = {
    version: 1,
    name,
    sources: { old: { type: 'memory', name: source.name } },
    targets: { new: { type: 'memory', name: target.name } },
    selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', ...selection }],
  };
  await writeFile(file, JSON.stringify(spec));
  return { name, file, source, target };
}

/** Mail of these people was moved, has lost its first `lost` of twenty each since, and the second run waits. */
async function waiting(lost: Readonly<Record<string, number>>): Promise<Mirrored> {
  const { name, file, source, target } = await written({
    deletions: 'mirror',
    accounts: Object.keys(lost).map((person) => ({ from: person, to: `${person}@new` })),
  });
  for (const person of Object.keys(lost))
    for (let n = 1; n <= 20; n++)
      source.account(person).put(INBOX, { bytes: Buffer.from(`Message-ID: <${n}@${person}>\r\n\r\nbody ${n}\r\n`) });
  expect(await migrate(terminal, 'apply', file, '--wait')).toMatchObject({ code: 0 });
  for (const [person, gone] of Object.entries(lost))
    for (let n = 1; n <= gone; n++) removeFrom(source.account(person).folder(INBOX), n);
  await migrate(terminal, 'apply', file);
  await untilParked(name, Object.keys(lost).length);
  return {
    name,
    file,
    source,
    left: (person) => target.account(`${person}@new`).folder(INBOX).messages.size,
  };
}

/** So many units stand at the gate, in the ledger too. */
async function untilParked(name: string, units: number, gate = 'approval'): Promise<void> {
  const parked = `select from unit where migration = $1 and state = 'parked' and gate = $2`;
  await expect
    .poll(async () => (await stack.ledger.pool.query(parked, [name, gate])).rowCount, { timeout: 60_000 })
    .toBe(units);
}

it('writes what a run would delete to a file, before it', async () => {
  const { name, file, left } = await waiting({ anna: 14 });
  await migrate(terminal, 'cancel', name);

  const plan = await migrate(terminal, 'plan', file, '--deletions', 'planned.csv');
  const rows = parse(await readFile(join(stack.dir, 'planned.csv')), { columns: true, bom: true });

  expect(plan).toMatchObject({ code: 0, err: expect.stringContaining('14 deletions: planned.csv') });
  expect(rows).toHaveLength(14);
  expect(rows[0]).toMatchObject({ what: 'delete', account: 'anna@new', system: 'new', folder: 'INBOX' });
  expect(left('anna')).toBe(20);
});

it('names ten of what waits, writes all of it to a file, and approves nothing by looking', async () => {
  const { name, left } = await waiting({ anna: 14 });

  const status = await migrate(terminal, 'status', name);
  const refused = await migrate({ ...terminal, isTty: true, typed: 'y\n' }, 'approve', name);
  const listed = await migrate(terminal, 'approve', name, '--list', 'covered.csv');
  const rows = parse(await readFile(join(stack.dir, 'covered.csv')), { columns: true, bom: true });

  for (const { out } of [status, refused]) {
    expect(out).toContain('deletes 14 copies from new, account anna@new:');
    expect(out.match(/- INBOX: .*bytes/g)).toHaveLength(10);
    expect(out).toContain(`and 4 more: \`migrate approve ${name} --unit 1 --list FILE\``);
  }
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('nothing was approved') });
  expect(listed).toMatchObject({ code: 0, err: `${name}: 14 items of 1 unit; nothing was approved` });
  expect(rows).toHaveLength(14);
  expect(rows[0]).toMatchObject({ what: 'delete', account: 'anna@new', system: 'new', folder: 'INBOX' });
  expect(left('anna')).toBe(20);

  const agreed = await migrate({ ...terminal, isTty: true, typed: 'yes\n' }, 'approve', name);
  expect(agreed).toMatchObject({ code: 0, err: expect.stringContaining('unit 1, anna → anna@new (mail) goes on') });
  await migrate(terminal, 'watch', name);
  expect(left('anna')).toBe(6);
  expect((await migrate(terminal, 'logs', name)).out).toContain('a person asked: approve (1 unit, 14 deletions)');
});

it('lists the deletions that wait in the report, and in a file of its own beside it', async () => {
  const { name } = await waiting({ anna: 14 });
  const folder = join(stack.dir, `report-${name}`);

  await migrate(terminal, 'report', name, '--out', folder);
  const rows = parse(await readFile(join(folder, 'removals.csv')), { columns: true, bom: true });
  const summary = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8'));
  const page = await readFile(join(folder, 'report.html'), 'utf8');

  expect(rows).toHaveLength(14);
  expect(rows[0]).toMatchObject({ what: 'delete', unit: '1', account: 'anna@new', system: 'new' });
  expect(summary.approvals).toMatchObject([{ unit: 1, gate: 'approval', items: 14, account: 'anna@new' }]);
  expect(page).toContain('14 copies are deleted once somebody approves them');
  expect(page).toContain('4 more in removals.csv');

  await migrate(terminal, 'approve', name, '--yes');
  await migrate(terminal, 'watch', name);
  await migrate(terminal, 'report', name, '--out', folder);
  expect(await readdir(folder)).not.toContain('removals.csv');
  expect(await readFile(join(folder, 'report.html'), 'utf8')).not.toContain('wait for approval');
});

it('says what a unit goes on without, by cause, before it goes on without them', async () => {
  const { name, file, source, target } = await written({ accounts: [{ from: 'anna', to: 'anna' }] });
  for (let n = 1; n <= 30; n++)
    source.account('anna').put(INBOX, { bytes: Buffer.from(`Message-ID: <${n}@anna>\r\n\r\nbody ${n}\r\n`) });
  target.fault = ({ op, when }) => {
    if (op === 'create' && when === 'before') throw new Fault('refused', 'the folder is read-only');
  };
  await migrate(terminal, 'apply', file);
  await untilParked(name, 1, 'failures');

  const approved = await migrate(terminal, 'approve', name);

  expect(approved.code).toBe(0);
  expect(approved.out).toContain('goes on without 30 items that failed:');
  expect(approved.out).toMatch(/^ +30: .*the folder is read-only/m);
  expect(approved.out).toContain('and 20 more:');
  await migrate(terminal, 'watch', name);
  expect((await migrate(terminal, 'status', name)).out).toMatch(/run 1 ended with failures|30 failed/);
});

it('approves one unit of two, without a question where there is no terminal', async () => {
  const { name, left } = await waiting({ anna: 5, bert: 7 });

  const nobody = await migrate(terminal, 'approve', name, '--account', 'carl');
  const listed = await migrate(terminal, 'approve', name, '--account', 'bert@new', '--list', 'bert.csv');
  const approved = await migrate(terminal, 'approve', name, '--account', 'bert');

  expect(nobody).toMatchObject({ code: 0, err: `${name}: no unit of account "carl" waits for an approval` });
  expect(listed).toMatchObject({ code: 0, err: `${name}: 7 items of 1 unit; nothing was approved` });
  expect(approved).toMatchObject({ code: 0, out: expect.stringContaining('deletes 7 copies from new') });
  expect(approved.out).not.toContain('anna');
  await expect.poll(() => left('bert'), { timeout: 60_000 }).toBe(13);
  expect(left('anna')).toBe(20);
  await migrate(terminal, 'cancel', name);
});

it('an approval of what was shown opens no gate that waits for something else by then', async () => {
  const { name, source, left } = await waiting({ anna: 5 });
  const handle = stack.client.workflow.getHandle(makeMigrationId(name));
  const before = (await handle.query(progressQuery)).gates[0]?.covers;
  // Somebody else tries again, and the source shows no folder at all meanwhile.
  source.account('anna').folders.clear();
  await handle.signal(retrySignal, {});
  await expect
    .poll(async () => (await handle.query(progressQuery)).gates[0]?.covers?.items, { timeout: 60_000 })
    .toBe(20);

  await handle.signal(approveSignal, { shown: [before?.token as string] });
  const { gates } = await handle.query(progressQuery);

  expect(before).toMatchObject({ items: 5 });
  expect(gates).toMatchObject([{ gate: 'approval', covers: { items: 20 } }]);
  expect(left('anna')).toBe(20);
  // Typed by hand in the Web UI, without input, it means all that waits.
  await handle.signal('approve');
  await expect.poll(() => left('anna'), { timeout: 60_000 }).toBe(0);
});
