/** `prune` and `forget` from the command to the ledger: what they print, what they refuse, and what is gone then. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { memoryStore } from '../../connectors/memory/store.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import type { Terminal } from './terminal.js';
import { migrate, terminalAt } from './terminal.js';

let stack: TestStack;
let terminal: Terminal;
let name: string;
let spec: string;

const reports = (): string => join(stack.dir, 'reports');

beforeAll(async () => {
  stack = await startTestStack((dir) => ({ DROVER_REPORT_FOLDER: join(dir, 'reports') }));
  terminal = terminalAt(stack);
  await vi.waitFor(
    async () => {
      const { code, out } = await migrate(terminal, 'doctor');
      if (code !== 0) throw new Error(out);
    },
    { timeout: 300_000, interval: 300 },
  );
});
afterAll(() => stack.stop());

/** Two people with three messages each, moved by a first run. */
async function moved(): Promise<void> {
  name = `move-${randomUUID().slice(0, 8)}`;
  spec = join(stack.dir, `${name}.yaml`);
  for (const person of ['anna', 'bert'])
    for (let n = 0; n < 3; n++)
      memoryStore(`${name}-source`)
        .account(person)
        .put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@${person}>\r\n\r\nbody ${n}\r\n`) });
  await write();
  await done(migrate(terminal, 'apply', spec, '--wait'));
}

async function write(schedules: readonly object[] = []): Promise<void> {
  const accounts = ['anna', 'bert'].map((person) => ({ from: person, to: person }));
  const selections = [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts }];
  const systems = {
    sources: { old: { type: 'memory', name: `${name}-source` } },
    targets: { new: { type: 'memory', name: `${name}-target` } },
  };
  await writeFile(
    spec,
    JSON.stringify({ version: 1, name, ...systems, selections, ...(schedules.length > 0 && { schedules }) }),
  );
}

async function done(run: ReturnType<typeof migrate>): Promise<string> {
  const { code, out, err } = await run;
  expect([code, err]).toEqual([0, expect.any(String)]);
  return out;
}

const rows = async (table: string): Promise<number> =>
  (await stack.ledger.pool.query(`select from ${table} where migration = $1`, [name])).rowCount ?? 0;

async function age(): Promise<void> {
  await stack.ledger.pool.query(`update event set at = at - interval '100 days' where migration = $1`, [name]);
  await stack.ledger.pool.query(`update run set ended_at = ended_at - interval '100 days' where migration = $1`, [
    name,
  ]);
}

describe('prune', () => {
  it('says how much is old, and removes it', async () => {
    await moved();
    for (let n = 0; n < 2; n++) await done(migrate(terminal, 'apply', spec, '--wait'));
    const confirmed = await readFile(join(reports(), `${name}-run-1`, 'confirmed.ndjson'), 'utf8');
    await age();

    const said = await done(migrate(terminal, 'prune', name, '--older-than', '90d', '--dry-run'));
    const before = await rows('event');
    const answer = JSON.parse(await done(migrate(terminal, 'prune', name, '--older-than', '90d', '-o', 'json')));
    const again = await done(migrate(terminal, 'prune', name, '--older-than', '90d'));

    expect(confirmed.match(/"run":\d+,"confirms":1,"reason":"apply"/g)).toHaveLength(2);
    expect(said).toMatch(/^migration +events +outcomes +runs +gates +reports +their size\nmove-\w+ /);
    expect(said).toContain('rows would be removed; every item, its proof and the last report of each migration stay');
    expect(answer).toMatchObject({ dryRun: false, keepsReports: true, migrations: [{ name, runs: 1 }] });
    expect(before - (await rows('event'))).toBe(answer.migrations[0].events);
    expect(again).toBe('nothing is old enough to be removed');
    expect(await readdir(reports())).toContain(`${name}-run-1`);
    expect((await migrate(terminal, 'report', name)).code).toBe(0);
  });

  it('goes by the settings of the worker where it is told nothing', async () => {
    await moved();
    await age();

    const answer = parse(await done(migrate(terminal, 'prune', '-o', 'yaml')));

    expect(answer.migrations.map((one: { name: string }) => one.name)).not.toContain('nobody');
    expect(await rows('run')).toBe(1);
  });

  it.each(['prune', 'forget'])('%s knows no other migration', async (verb) => {
    const answer = await migrate(terminal, verb, 'nobody', ...(verb === 'forget' ? ['--yes'] : []));

    expect([answer.code, answer.err]).toEqual([1, expect.stringContaining('the ledger knows no migration "nobody"')]);
  });
});

describe('forget', () => {
  it('asks for --yes where nobody can be asked, and has said by then what would go', async () => {
    await moved();
    const asked = await migrate(terminal, 'forget', name);

    expect([asked.code, asked.err]).toEqual([64, expect.stringContaining('say --yes to remove this')]);
    expect(asked.out).toContain(`all of ${name} would be forgotten`);
    expect(asked.out).toContain('unit 1 (mail): anna → anna');
    expect(await rows('unit')).toBe(2);
  });

  it('removes one person, and the next run has the other only', async () => {
    await moved();
    const out = await done(migrate(terminal, 'forget', name, '--account', 'anna', '--yes'));

    expect(out).toContain(`anna in ${name} is forgotten:`);
    expect(out).toMatch(/Temporal keeps the histories/);
    expect(await rows('unit')).toBe(1);
    const report = JSON.parse((await migrate(terminal, 'report', name, '-o', 'json')).out);
    expect(report.verdict).toMatchObject({ complete: true, items: 3 });
    await done(migrate(terminal, 'verify', name, '--wait'));
    expect(await rows('unit')).toBe(1);
  });

  it('on a terminal takes the name as the answer', async () => {
    await moved();
    const other = await migrate({ ...terminal, isTty: true, typed: 'yes\n' }, 'forget', name);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('nothing was removed')]);
    expect(await rows('unit')).toBe(2);

    const same = await migrate({ ...terminal, isTty: true, typed: `${name}\n` }, 'forget', name);

    expect([same.code, same.out]).toEqual([0, expect.stringContaining(`all of ${name} is forgotten`)]);
    for (const table of ['unit', 'run', 'event', 'outcome', 'survey'])
      expect([table, await rows(table)]).toEqual([table, 0]);
    expect((await readdir(reports())).filter((folder) => folder.startsWith(name))).toEqual([]);
    expect((await migrate(terminal, 'report', name)).code).toBe(1);
  });

  it('refuses a name that is none of its accounts, a running migration, and one that has schedules', async () => {
    await moved();
    const stranger = await migrate(terminal, 'forget', name, '--account', 'carl', '--yes');
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringContaining(`no unit of "${name}" has the account`)]);

    memoryStore(`${name}-source`).account('anna').locked = 'password expired';
    await done(migrate(terminal, 'apply', spec));
    const running = await migrate(terminal, 'forget', name, '--yes');
    expect([running.code, running.err]).toEqual([1, expect.stringContaining(`migration "${name}" is running`)]);
    await done(migrate(terminal, 'cancel', name));
    memoryStore(`${name}-source`).account('anna').locked = undefined;

    await write([{ name: 'nightly', selections: ['mail'], every: '6h' }]);
    await done(migrate(terminal, 'apply', spec, '--wait'));
    const scheduled = await migrate(terminal, 'forget', name, '--yes');
    expect([scheduled.code, scheduled.err]).toEqual([1, expect.stringContaining(`schedule remove ${name} nightly`)]);
    expect(await rows('unit')).toBe(2);
    await done(migrate(terminal, 'schedule', 'remove', name, 'nightly'));
    await done(migrate(terminal, 'forget', name, '--yes'));
  });
});
