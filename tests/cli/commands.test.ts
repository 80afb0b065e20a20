/** The commands that talk to Temporal and the ledger, on the embedded stack and a worker with memory systems. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { MemoryStore } from '../../connectors/memory/store.js';
import { memoryStore } from '../../connectors/memory/store.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import type { Run, Terminal } from './terminal.js';
import { migrate, start, terminalAt } from './terminal.js';

let stack: TestStack;
let terminal: Terminal;
const releases: (() => void)[] = [];

beforeAll(async () => {
  stack = await startTestStack();
  terminal = terminalAt(stack);
  // The worker registers search attributes before it takes work.
  await vi.waitFor(
    async () => {
      const { code, out } = await migrate(terminal, 'doctor');
      if (code !== 0) throw new Error(out);
    },
    { timeout: 300_000, interval: 300 },
  );
});
afterEach(() => {
  for (const release of releases.splice(0)) release();
});
afterAll(() => stack.stop());

interface Sample {
  readonly name: string;
  readonly file: string;
  readonly source: MemoryStore;
  readonly target: MemoryStore;
  write(more?: { readonly selection?: object; readonly schedules?: readonly object[] }): Promise<void>;
  /** Lets no message into the target until the answer is called. */
  hold(): () => void;
}

async function makeSample(people: readonly string[] = ['anna'], messages = 5): Promise<Sample> {
  const name = `move-${randomUUID().slice(0, 8)}`;
  const file = join(stack.dir, `${name}.yaml`);
  const [source, target] = [memoryStore(`${name}-source`), memoryStore(`${name}-target`)];
  for (const person of people) {
    for (let n = 0; n < messages; n++) {
      source
        .account(person)
        .put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@${person}>\r\n\r\nbody ${n}\r\n`) });
    }
  }
  const sample: Sample = {
    name,
    file,
    source,
    target,
    async write({ selection, schedules } = {}) {
      const accounts = people.map((person) => ({ from: person, to: person }));
      const spec = {
        version: 1,
        name,
        sources: { old: { type: 'memory', name: source.name } },
        targets: { new: { type: 'memory', name: target.name } },
        selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts, ...selection }],
        ...(schedules && { schedules }),
      };
      await writeFile(file, JSON.stringify(spec, null, 2));
    },
    hold() {
      let release = (): void => {};
      const open = new Promise<void>((resolve) => {
        release = resolve;
      });
      target.fault = async ({ op, when }) => {
        if (op === 'create' && when === 'before') await open;
      };
      const letGo = (): void => {
        target.fault = undefined;
        release();
      };
      releases.push(letGo);
      return letGo;
    },
  };
  await sample.write();
  return sample;
}

const says = (run: Run, text: string): Promise<void> =>
  expect.poll(() => [...run.err, ...run.out].join('\n')).toContain(text);

describe('apply', () => {
  it('waits for the end, and a second time writes nothing', async () => {
    const { name, file, target } = await makeSample(['anna', 'bert']);

    const first = await migrate(terminal, 'apply', file, '--wait');
    const second = await migrate(terminal, 'apply', file, '--wait', '-o', 'json');

    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toContain(`${name}: run 1 is done: all 10 items verified`);
    expect(JSON.parse(second.out)).toMatchObject({ state: 'done', run: 2, totals: { verified: 10, changed: 0 } });
    expect(target.account('anna').folder(['INBOX']).messages.size).toBe(5);
  });

  it('returns at once without --wait, and attaches when the same spec runs', async () => {
    const { name, file, hold } = await makeSample();
    hold();

    const first = await migrate(terminal, 'apply', file);
    const second = await migrate(terminal, 'apply', file, '-o', 'json');

    expect(first).toMatchObject({ code: 0, out: `${name}: started` });
    expect(first.err).toContain(`migrate watch ${name}`);
    expect(JSON.parse(second.out)).toMatchObject({ migration: name, submitted: 'attached' });
  });

  it('refuses another spec while one runs, and takes over with --replace', async () => {
    const sample = await makeSample();
    const release = sample.hold();
    await migrate(terminal, 'apply', sample.file);
    await sample.write({ selection: { maxFailures: 0.5 } });

    const refused = await migrate(terminal, 'apply', sample.file);
    const taking = start(terminal, 'apply', sample.file, '--replace', '--wait');
    await says(taking, 'taking over');
    release();

    expect(refused.code).toBe(1);
    expect(refused.err).toContain('running with another spec');
    expect(refused.err).toContain('--replace');
    expect(await taking.ended).toBe(0);
    expect(taking.out.join()).toContain('run 2 is done: all 5 items verified');
  });

  it('leaves the migration running at Ctrl-C, and at the end of --timeout', async () => {
    const { name, file, hold } = await makeSample();
    const release = hold();
    const waiting = start(terminal, 'apply', file, '--wait');
    await says(waiting, 'started');

    waiting.interrupt();
    const late = await migrate(terminal, 'apply', file, '--wait', '--timeout', '1s');

    expect(await waiting.ended).toBe(130);
    expect(waiting.err.join('\n')).toContain(`migration "${name}" goes on`);
    expect(late.code).toBe(75);
    release();
    expect((await migrate(terminal, 'watch', name)).code).toBe(0);
  });

  it('says what all that is left waits for, and goes on when the gate opens', async () => {
    const { name, file, source } = await makeSample(['anna', 'bert']);
    source.account('bert').locked = 'password expired';
    const waiting = start(terminal, 'apply', file, '--wait');

    await says(waiting, `migrate credentials ${name} --unit 2`);
    const status = await migrate(terminal, 'status', name);
    source.account('bert').locked = undefined;
    const opened = await migrate(terminal, 'credentials', name);

    expect(status.out).toContain('waits for credentials');
    expect(opened.err).toMatch(/bert.* goes on/);
    expect(await waiting.ended).toBe(0);
    expect((await migrate(terminal, 'logs', name)).out).toMatch(/run 1 {2}a person asked: credentials \(1 unit\)$/m);
  });

  it('prints progress as NDJSON where there is no terminal, and draws it where there is one', async () => {
    const { file, hold } = await makeSample(['anna'], 50);
    const release = hold();
    const lines = start(terminal, 'apply', file, '--watch');
    const screen = start({ ...terminal, isTty: true }, 'apply', file, '--watch');
    // The unit is still running: its counters can only come from its heartbeat.
    await expect.poll(() => lines.out.at(-1)).toContain('"items":50');
    await expect.poll(() => screen.drawn()).toContain('Ctrl-C');
    release();

    expect(await lines.ended).toBe(0);
    expect(await screen.ended).toBe(0);
    const records = lines.out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toContainEqual(expect.objectContaining({ run: 1, state: 'running', gates: [] }));
    expect(records.at(-1)).toMatchObject({ result: { state: 'done' } });
  });

  it('refuses a wrong spec and an unreachable Temporal with their exit codes', async () => {
    const { file } = await makeSample();
    const wrong = join(stack.dir, 'wrong.yaml');
    await writeFile(wrong, 'version: 1\nname: wrong\n');

    expect((await migrate(terminal, 'apply', wrong)).code).toBe(65);
    const away = await migrate({ ...terminal, env: { TEMPORAL_ADDRESS: '127.0.0.1:9' } }, 'apply', file);
    expect(away.code).toBe(69);
    expect(away.err).toContain('127.0.0.1:9');
  });
});

describe('schedules', () => {
  it('are created, left alone, changed, and removed only when asked to', async () => {
    const sample = await makeSample();
    const apply = async (...more: string[]): Promise<unknown> =>
      JSON.parse((await migrate(terminal, 'apply', sample.file, '-o', 'json', ...more)).out).schedules;
    const settled = (): Promise<number> => migrate(terminal, 'watch', sample.name).then(({ code }) => code);
    const nightly = { name: 'nightly', selections: ['mail'], cron: '0 3 * * *', timezone: 'Europe/Berlin' };

    await sample.write({ schedules: [nightly, { name: 'often', selections: ['mail'], every: '6h' }] });
    expect(await apply()).toEqual([
      { schedule: 'nightly', change: 'created' },
      { schedule: 'often', change: 'created' },
    ]);
    await settled();
    expect(await apply()).toEqual([
      { schedule: 'nightly', change: 'unchanged' },
      { schedule: 'often', change: 'unchanged' },
    ]);
    await settled();
    await sample.write({ schedules: [{ ...nightly, cron: '0 4 * * *' }] });
    await expect.poll(async () => (await migrate(terminal, 'schedule', 'list', sample.name)).out).toContain('often');
    expect(await apply()).toEqual([
      { schedule: 'nightly', change: 'configured' },
      { schedule: 'often', change: 'left over' },
    ]);
    await settled();
    expect(await apply('--prune')).toEqual([
      { schedule: 'nightly', change: 'unchanged' },
      { schedule: 'often', change: 'removed' },
    ]);
  });

  it('are paused, resumed, triggered, backfilled and removed by name', async () => {
    const sample = await makeSample();
    await sample.write({ schedules: [{ name: 'often', selections: ['mail'], every: '6h' }] });
    await migrate(terminal, 'apply', sample.file, '--wait');
    const handle = stack.client.schedule.getHandle(`migrate/${sample.name}/often`);
    const schedule = (...argv: string[]) =>
      migrate(terminal, 'schedule', argv[0] as string, sample.name, 'often', ...argv.slice(1));

    expect((await schedule('pause', '--note', 'cutover')).code).toBe(0);
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'cutover' });
    const listed = await migrate(terminal, 'schedule', 'list', sample.name);
    expect(listed.out).toMatch(/often +every 6h +paused .* cutover/);
    await migrate(terminal, 'apply', sample.file, '--wait');
    expect((await handle.describe()).state.paused).toBe(true);
    const changed = { name: 'often', selections: ['mail'], every: '6h', jitter: '1s' };
    await sample.write({ schedules: [changed] });
    expect((await migrate(terminal, 'apply', sample.file)).out).toContain('schedule often: configured');
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'cutover' });
    await sample.write({ schedules: [{ ...changed, paused: false }] });
    await migrate(terminal, 'apply', sample.file, '--replace', '--wait');
    expect((await handle.describe()).state.paused).toBe(false);
    expect((await schedule('pause')).code).toBe(0);
    expect((await schedule('resume')).code).toBe(0);
    expect((await migrate(terminal, 'schedule', 'list', sample.name)).out).toMatch(/often +every 6h +active +in \d+ /);
    expect((await schedule('trigger')).code).toBe(0);
    await expect
      .poll(async () => (await migrate(terminal, 'list', sample.name)).out)
      .toMatch(/^ *\d+ +schedule often +done/m);
    expect((await schedule('backfill', '--start', '2026-03-01', '--end', '2026-02-01')).code).toBe(64);
    const scheduled = async (): Promise<number> =>
      (await migrate(terminal, 'list', sample.name)).out
        .split('\n')
        .filter((line) => / schedule often +done/.test(line)).length;
    expect(await scheduled()).toBe(1);
    // Starts at 0, 6 and 12 o'clock, each a run of its own.
    const span = ['--start', '2026-03-01T00:00:00Z', '--end', '2026-03-01T13:00:00Z'];
    expect((await schedule('backfill', ...span)).code).toBe(0);
    await expect.poll(scheduled).toBe(4);
    expect((await schedule('remove')).code).toBe(0);
    const gone = await schedule('trigger');
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('has no schedule "often"')]);
  });
});

describe('runs that schedules start', () => {
  it('come by themselves, and are in the list with what each did', async () => {
    const sample = await makeSample();
    await sample.write({ schedules: [{ name: 'often', selections: ['mail'], every: '2s', overlap: 'skip' }] });
    await migrate(terminal, 'apply', sample.file, '--wait');
    const history = async (): Promise<Record<string, unknown>[]> =>
      JSON.parse((await migrate(terminal, 'list', sample.name, '-o', 'json')).out);

    await expect.poll(async () => (await history()).length).toBeGreaterThan(3);
    sample.source.account('anna').put(['INBOX'], { bytes: Buffer.from('Message-ID: <late@anna>\r\n\r\nlate\r\n') });
    await expect.poll(() => sample.target.account('anna').folder(['INBOX']).messages.size).toBe(6);
    await migrate(terminal, 'schedule', 'pause', sample.name, 'often');
    await expect.poll(async () => (await history()).every((run) => run.state === 'done')).toBe(true);

    const runs = await history();
    expect(runs.at(-1)).toMatchObject({ run: 1, reason: 'apply', schedule: null, totals: { created: 5 } });
    expect(runs.slice(0, -1).every((run) => run.reason === 'schedule' && run.schedule === 'often')).toBe(true);
    const created = runs.map((run) => (run.totals as { created: number }).created);
    expect(created.slice(0, -1).filter((items) => items > 0)).toEqual([1]);
    const shown = await migrate(terminal, 'list', sample.name);
    expect(shown.out.split('\n')[0]).toMatch(/^run +why +state +began +took +items +created +updated +moved +skipped/);
    expect(shown.out).toMatch(/^ *1 +apply +done .* +5 +5 +0/m);
    expect((await migrate(terminal, 'list', 'nobody')).err).toContain('knows no run of "nobody"');
    const ticks = stack.client.workflow.list({ query: `WorkflowType = "tick"` });
    const ids: string[] = [];
    for await (const { workflowId } of ticks) ids.push(workflowId);
    expect(ids.some((id) => id.startsWith(`tick/${sample.name}/often`))).toBe(true);
  });

  it('wait behind a gate without piling up, and say so', async () => {
    const sample = await makeSample();
    sample.source.account('anna').locked = 'password expired';
    await sample.write({ schedules: [{ name: 'often', selections: ['mail'], every: '1s', overlap: 'buffer-one' }] });
    await migrate(terminal, 'apply', sample.file);

    const often = async (): Promise<Record<string, unknown>> => {
      const [listed] = JSON.parse((await migrate(terminal, 'schedule', 'list', sample.name, '-o', 'json')).out);
      return listed ?? {};
    };
    await expect.poll(often, { interval: 500 }).toMatchObject({ running: true });
    await expect.poll(async () => Number((await often()).skipped), { interval: 500 }).toBeGreaterThan(1);
    await migrate(terminal, 'schedule', 'remove', sample.name, 'often');
    sample.source.account('anna').locked = undefined;
    await migrate(terminal, 'credentials', sample.name);
    expect((await migrate(terminal, 'watch', sample.name)).code).toBe(0);
    const runs = JSON.parse((await migrate(terminal, 'list', sample.name, '-o', 'json')).out) as object[];
    expect(runs.length).toBeLessThanOrEqual(3);
  });
});

describe('steering', () => {
  it('pauses, resumes, retunes and cancels', async () => {
    const { name, file, target } = await makeSample(['anna'], 400);
    target.fault = async ({ op, when }) => {
      if (op === 'create' && when === 'before') await delay(5);
    };
    await migrate(terminal, 'apply', file);

    const paused = await migrate(terminal, 'pause', name);
    expect([paused.code, paused.err]).toEqual([0, expect.stringContaining('paused')]);
    expect((await migrate(terminal, 'status', name)).out).toContain('paused');
    const retuned = await migrate(terminal, 'retune', name, '--lanes', '2', '--items-per-second', '100');
    expect(retuned.out).toBe(`${name}: lanes is 2 now\n${name}: itemsPerSecond is 100 now`);
    expect((await migrate(terminal, 'retune', name)).code).toBe(64);
    expect((await migrate(terminal, 'status', name)).out).toContain('tuned: lanes 2, itemsPerSecond 100');
    const reset = await migrate(terminal, 'retune', name, '--reset', 'lanes');
    expect([reset.code, reset.out]).toEqual([0, `${name}: lanes is what the spec says again`]);
    expect((await migrate(terminal, 'status', name)).out).toContain('tuned: itemsPerSecond 100');
    expect((await migrate(terminal, 'retune', name, '--reset')).out).toContain(
      'all limits are what the spec says again',
    );
    expect((await migrate(terminal, 'status', name)).out).not.toContain('tuned');
    expect((await migrate(terminal, 'resume', name)).code).toBe(0);
    const cancelled = await migrate(terminal, 'cancel', name);
    expect([cancelled.code, cancelled.err]).toEqual([0, expect.stringContaining('cancelled')]);
    expect((await migrate(terminal, 'watch', name)).code).toBe(1);
    expect((await migrate(terminal, 'status', name)).out).toContain('was cancelled');
    const { out } = await migrate(terminal, 'logs', name);
    const asked = [...out.matchAll(/a person asked: (.+)/g)].map(([, words]) => words);
    expect(asked).toEqual([
      'pause',
      'retune --lanes 2 --items-per-second 100',
      'retune --reset lanes',
      'retune --reset',
      'resume',
      'cancel',
    ]);
  });

  it('says that a migration is not running, or not there; retry and verify start a run', async () => {
    const { name, file } = await makeSample();
    await migrate(terminal, 'apply', file, '--wait');

    for (const verb of ['pause', 'resume', 'cancel', 'approve', 'credentials']) {
      const answer = await migrate(terminal, verb, name);
      expect([verb, answer.code, answer.err]).toEqual([verb, 1, expect.stringContaining('is not running')]);
      expect((await migrate(terminal, verb, 'nobody')).err).toContain('there is no migration "nobody"');
    }
    expect((await migrate(terminal, 'verify', name, '--wait')).code).toBe(0);
    const needless = await migrate(terminal, 'retry', name);
    expect([needless.code, needless.err]).toEqual([
      0,
      expect.stringContaining('nothing to retry: everything is verified'),
    ]);
    expect((await migrate(terminal, 'status', name)).out).toContain('run 2 is done');
  });

  it('retries what another run left open, and starts no run for what is proven', async () => {
    const { name, file, source } = await makeSample(['anna', 'bert']);
    source.account('bert').locked = 'password expired';
    await migrate(terminal, 'apply', file);
    await expect.poll(async () => (await migrate(terminal, 'status', name)).out).toContain('credentials');
    await migrate(terminal, 'cancel', name);
    await stack.client.workflow.start('migration', {
      workflowId: `migrate/${name}`,
      taskQueue: stack.stack.taskQueue,
      args: [{ name, queue: [{ id: randomUUID(), reason: 'retry', units: [1] }] }],
    });
    expect((await migrate(terminal, 'watch', name)).code).toBe(0);
    source.account('bert').locked = undefined;

    const retried = await migrate(terminal, 'retry', name);

    expect([retried.code, retried.err]).toEqual([0, expect.stringContaining('a new run tries again what failed')]);
    expect((await migrate(terminal, 'watch', name)).code).toBe(0);
    expect((await migrate(terminal, 'status', name)).out).toContain('run 3 is done');
  });
});

describe('looking', () => {
  it('plans without writing, with 2 when something is to do', async () => {
    const { file, target } = await makeSample();

    const plan = await migrate(terminal, 'plan', file, '--detailed-exitcode');
    const dry = await migrate(terminal, 'apply', file, '--dry-run');

    expect([plan.code, plan.out]).toEqual([2, expect.stringContaining('Plan: 5 to add')]);
    expect([dry.code, dry.out]).toEqual([0, expect.stringContaining('Plan: 5 to add')]);
    expect(target.counts.create).toBe(0);
  });

  it('lists problems of a plan and fails', async () => {
    const { file, source } = await makeSample();
    source.account('anna').locked = 'password expired';

    const plan = await migrate(terminal, 'plan', file);

    expect([plan.code, plan.err]).toEqual([1, expect.stringContaining('password expired')]);
  });

  it('shows list, logs and report of what ran, and the report agrees with the exit code', async () => {
    const { name, file } = await makeSample();
    await migrate(terminal, 'apply', file, '--wait');

    await expect
      .poll(async () => (await migrate(terminal, 'list')).out)
      .toMatch(new RegExp(`^${name} +done +\\d+ s ago +(\\d+ s ago|just now) +5 of 5 verified$`, 'm'));
    const listed = JSON.parse((await migrate(terminal, 'list', '-o', 'json')).out) as { migration: string }[];
    expect(listed).toContainEqual({
      migration: name,
      state: 'done',
      started: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      ended: expect.any(String),
      totals: { items: 5, verified: 5, failures: 0 },
    });
    expect((await migrate(terminal, 'list', name)).out).toMatch(/apply +done +(\d+ s ago|just now) /);
    expect((await migrate(terminal, 'status', name)).out).toMatch(
      /ended: \d{4}-\d\d-\d\dT[\d:]{8}Z \((\d+ s ago|just now)\)/,
    );
    expect((await migrate(terminal, 'logs', name)).out).toContain('run 1');
    const report = await migrate(terminal, 'report', name, '-o', 'json');
    const { html, verdict } = JSON.parse(report.out) as { html: string; verdict: object };
    expect([report.code, verdict]).toEqual([0, expect.objectContaining({ complete: true, items: 5 })]);
    expect(await readFile(html, 'utf8')).toContain('All 5 items verified: each arrived once, unchanged.');
    expect((await migrate(terminal, 'report', 'nobody')).code).toBe(1);
    expect((await migrate({ ...terminal, env: {} }, 'logs', name)).code).toBe(69);
  });

  it('follows the log until Ctrl-C', async () => {
    const { name, file } = await makeSample();
    const follow = start(terminal, 'logs', name, '--follow');
    await migrate(terminal, 'apply', file, '--wait');
    await expect.poll(() => follow.out.join('\n')).toContain('run done');

    follow.interrupt();

    expect(await follow.ended).toBe(0);
  });

  it('names what is wrong, with the fix', async () => {
    const { file, source } = await makeSample();
    const well = await migrate(terminal, 'doctor', file);
    source.account('anna').locked = 'password expired';
    const ill = await migrate(terminal, 'doctor', file);
    const idle = await migrate({ ...terminal, env: { ...terminal.env, DROVER_TASK_QUEUE: 'nobody' } }, 'doctor');

    expect([well.code, well.out]).toEqual([0, expect.stringContaining('all is well')]);
    expect([ill.code, ill.out]).toEqual([1, expect.stringContaining('✗')]);
    expect([idle.code, idle.out]).toEqual([1, expect.stringContaining('migrate worker')]);
  });
});

describe('a part of a spec', () => {
  const verified = ({ out }: { readonly out: string }): unknown => JSON.parse(out).totals.verified;
  const holds = ({ target }: Sample, person: string): number =>
    target.accounts.get(person)?.folders.get('["INBOX"]')?.messages.size ?? 0;

  it('moves, is proven and is tried again alone; the rest stays as it is, and so do schedules', async () => {
    const sample = await makeSample(['anna', 'bert', 'carl']);
    await sample.write({ schedules: [{ name: 'nightly', selections: ['mail'], every: '1d' }] });
    const { name, file } = sample;

    const pilot = await migrate(terminal, 'apply', file, '--account', 'bert', '--wait', '-o', 'json');
    const after = ['anna', 'bert', 'carl'].map((person) => holds(sample, person));
    const schedules = await migrate(terminal, 'schedule', 'list', name);
    const unknown = await migrate(terminal, 'verify', name, '--account', 'anna');
    const proof = await migrate(terminal, 'verify', name, '--account', 'bert', '--wait', '-o', 'json');
    const again = await migrate(terminal, 'retry', name, '--account', 'brt');
    const report = await migrate(terminal, 'report', name);
    const whole = await migrate(terminal, 'apply', file, '--wait', '-o', 'json');

    expect(pilot.err).toContain('only account "bert": the rest of the spec, and its schedules, stay as they are');
    expect([pilot.code, verified(pilot)]).toEqual([0, 5]);
    expect(after).toEqual([0, 5, 0]);
    expect(schedules.out).not.toContain('nightly');
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain('there is no account "anna"');
    expect([proof.code, verified(proof)]).toEqual([0, 5]);
    expect(again.err).toContain('did you mean "bert"?');
    expect(report.code).toBe(0);
    expect([whole.code, verified(whole)]).toEqual([0, 15]);
  });

  it('is attached to only where the very same is under way', async () => {
    const sample = await makeSample(['anna', 'bert']);
    const release = sample.hold();

    const part = await migrate(terminal, 'apply', sample.file, '--account', 'anna');
    const stated = await migrate(terminal, 'status', sample.name);
    const same = await migrate(terminal, 'apply', sample.file, '--account', 'anna');
    const other = await migrate(terminal, 'apply', sample.file, '--account', 'bert');
    const whole = start(terminal, 'apply', sample.file, '--wait');
    await says(whole, 'this one follows it');
    release();

    expect(part.out).toContain('started');
    expect(stated.out).toContain('only account "anna"');
    expect(same.out).toContain('attached');
    expect(other.out).toContain('this one follows it');
    expect(await whole.ended).toBe(0);
    expect(whole.out.join('\n')).toContain('all 10 items verified');
  });

  it('is refused for a name that the spec lacks, and with --prune, before anything is asked of anybody', async () => {
    const { file } = await makeSample();

    const account = await migrate(terminal, 'apply', file, '--account', 'ana');
    const selection = await migrate(terminal, 'plan', file, '--selection', 'mial');
    const prune = await migrate(terminal, 'apply', file, '--account', 'anna', '--prune');
    const planned = await migrate(terminal, 'plan', file, '--account', 'anna', '-o', 'json');

    expect([account.code, selection.code, prune.code]).toEqual([64, 64, 64]);
    expect(account.err).toContain('did you mean "anna"?');
    expect(selection.err).toContain('did you mean "mail"?');
    expect(prune.err).toContain('--prune removes schedules');
    expect(JSON.parse(planned.out).totals.create).toBe(5);
  });
});
