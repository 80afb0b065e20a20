import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { Counters } from '../words/counters.js';
import { NO_COUNTERS } from '../words/counters.js';
import type { SliceHeartbeat } from '../words/progress.js';
import type { RunResult } from '../words/runs.js';
import type { ParkedUnit } from '../words/units.js';
import type { Progress } from '../workflows/messages.js';
import { gatePage, gateReport, onlyGatesLeft } from './gate-lines.js';
import { createStyle } from './output.js';
import { countLines, liveLines, progressRecord, silenceWords, silentLines } from './progress-view.js';
import { isComplete, resultLines } from './result-lines.js';
import type { Shell } from './shell.js';
import { joined, sumUp } from './snapshot.js';

const none = NO_COUNTERS;
const style = createStyle({ isTty: false, env: {} } as unknown as Shell);

const progress = (more: Partial<Progress> = {}): Progress => ({
  name: 'acme',
  run: 3,
  reason: 'apply',
  specHash: 'abc',
  state: 'running',
  units: { total: 3, waiting: 0, running: 1, parked: 0, done: 2, failed: 0 },
  totals: { ...none, items: 100, verified: 100, bytes: 5_000, bytesArrived: 5_000 },
  running: [{ n: 3, selection: 'mail', kind: 'mail' }],
  gates: [],
  queued: 0,
  ...more,
});
const heartbeat = (more: Partial<SliceHeartbeat> = {}): SliceHeartbeat => ({
  unit: 3,
  phase: 'move',
  counters: { ...none, items: 300, arrived: 100, bytes: 30_000, bytesArrived: 10_000 },
  itemsPerSecond: 50,
  bytesPerSecond: 4_000_000,
  ...more,
});
const gate: ParkedUnit = {
  n: 3,
  selection: 'mail',
  kind: 'mail',
  gate: 'credentials',
  reason: 'NO \u001b[31mbad',
  next: 'renew it',
};

it('says why items fail while others move, and why a whole unit is tried again', () => {
  const troubles = [{ reason: 'the server says 500', items: 2 }];
  const failing = [{ unit: 4, reason: 'no connection' }];
  const snapshot = sumUp(1_000, progress(), [{ isHeard: true, heartbeat: heartbeat({ troubles }) }], { failing });
  expect(liveLines(snapshot, 200, style)).toEqual(
    expect.arrayContaining(['unit 4, is tried again: no connection', 'unit 3, 2 items: the server says 500']),
  );
});

describe('sumUp', () => {
  it('adds what running units say to what ended ones did', () => {
    const snapshot = sumUp(1_000, progress(), [{ isHeard: true, heartbeat: heartbeat() }]);

    expect(snapshot.totals).toMatchObject({ items: 400, verified: 100, arrived: 100, bytesArrived: 15_000 });
    expect(snapshot).toMatchObject({ itemsPerSecond: 50, phases: { survey: 0, move: 1, verify: 0 } });
  });

  it('keeps the counters of a silent unit, but not its rates', () => {
    const snapshot = sumUp(60_000, progress(), [{ isHeard: false, heartbeat: heartbeat() }]);

    expect([snapshot.totals.items, snapshot.itemsPerSecond]).toEqual([400, 0]);
  });
});

it('keeps what a unit told last until its next slice has counted', () => {
  const before = heartbeat();
  const old = heartbeat({ counters: { ...none, items: 300, arrived: 20 }, container: 'INBOX', isOld: true });

  expect(joined(before, old)).toMatchObject({ container: 'INBOX', counters: { arrived: 100 } });
  expect(joined(undefined, old)?.counters.arrived).toBe(20);
  expect(joined(before, heartbeat({ counters: { ...none, arrived: 90 } }))?.counters.arrived).toBe(90);
  expect(joined(before, undefined)).toBe(before);
});

describe('kinds with versions', () => {
  const totals = { ...none, items: 100, verified: 60, arrived: 20, updated: 5, removed: 2, skipped: 20, failures: 3 };
  const view = (more: Partial<Counters>): string =>
    liveLines(sumUp(1_000, progress({ totals: { ...totals, ...more } }), []), 200, style).join('\n');
  const result = (more: Partial<Counters>): string =>
    resultLines({
      name: 'acme',
      run: 3,
      state: 'done',
      units: 1,
      done: 1,
      failed: 0,
      totals: { ...none, ...more },
    })[0] ?? '';

  it('shows what was done beside creating, and conflicts apart from failures', () => {
    expect(view({ conflicts: 2 })).toContain(
      '1 failed, 2 in conflict, 20 arrived but not proven; 20 skipped\n0 bytes of 0 bytes; 5 updated, 2 removed',
    );
    expect(view({ conflicts: 3 })).toContain('verified; 3 in conflict, 20 arrived');
  });

  it('takes what is skipped for neither done nor open', () => {
    expect(view({})).toContain(' 75 %');
    expect(view({ skipped: 100, verified: 0 })).not.toContain('%');
  });

  it('sums a run up', () => {
    expect(
      result({ items: 9, verified: 7, changed: 2, created: 1, updated: 1, skipped: 1, failures: 1, conflicts: 1 }),
    ).toBe('acme: run 3 is done: 7 of 9 items verified; 1 in conflict; 1 skipped (0 bytes); 1 created, 1 updated');
    expect(result({ items: 9, verified: 9, removed: 1 })).toContain('; 1 removed');
  });
});

describe('large files', () => {
  const GB = 1_000_000_000;
  const film = { path: 'films/the one that is far too long for a line.mp4', bytes: 20 * GB, done: 6 * GB };
  const moving = (more: Partial<SliceHeartbeat> = {}) =>
    sumUp(40_000, progress({ running: [{ n: 3, selection: 'share', kind: 'files' }] }), [
      {
        isHeard: true,
        heartbeat: heartbeat({
          counters: { ...none, items: 1, bytes: 20 * GB, bytesArrived: 6 * GB },
          itemsPerSecond: 0,
          bytesPerSecond: 100_000_000,
          files: [film],
          ...more,
        }),
      },
    ]);

  it('are shown with their share, bytes, and as much of their path as fits', () => {
    const lines = liveLines({ ...moving(), left: { secondsLeft: 140 } }, 40, style);

    expect(lines).toContain('0 items/s · 100 MB/s · about 2 min 30 s…');
    expect(lines).toContain('  30 % of 20 GB  …oo long for a line.mp4');
    expect(progressRecord(moving()).files).toEqual([{ bytes: 20 * GB, done: 6 * GB }]);
    expect(progressRecord(moving({ files: [] }))).not.toHaveProperty('files');
  });

  it('are no more under way when their unit has fallen silent', () => {
    expect(sumUp(60_000, progress(), [{ isHeard: false, heartbeat: heartbeat({ files: [film] }) }]).files).toEqual([]);
  });
});

describe('liveLines', () => {
  const at = (columns: number, snapshot = sumUp(1_000, progress(), [{ isHeard: true, heartbeat: heartbeat() }])) =>
    liveLines({ ...snapshot, left: { secondsLeft: 90 } }, columns, style);

  it('shows where it stands: a bar, its percentage and its words are the same numbers', () => {
    expect(at(80)).toEqual([
      'acme · run 3 · moving · 2 of 3 units done, 1 running',
      'arrived  ████████████████████░░░░░░░░░░░░░░░░░░░░  50 %  200 of 400 items',
      'verified ██████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25 %  100 of 400 items',
      '100 of 400 items verified; 100 arrived but not proven',
      '15 KB of 35 KB',
      '50 items/s · 4.0 MB/s · about 1 min 30 s left',
      '  unit 3  moving     100 of 300',
      'Ctrl-C ends watching; the migration goes on',
    ]);
  });

  it('measures by bytes where files are among what moves', () => {
    const snapshot = sumUp(1_000, progress({ measure: 'bytes', running: [] }), [
      {
        isHeard: true,
        heartbeat: heartbeat({ counters: { ...none, items: 900, arrived: 899, bytes: 95_000, bytesArrived: 20_000 } }),
      },
    ]);

    expect(at(80, snapshot).slice(1, 3)).toEqual([
      'arrived  ██████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25 %  25 KB of 100 KB',
      'verified ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0 %  0 bytes of 100 KB',
    ]);
    expect(at(80, snapshot)).toContain('  unit 3  moving     20 KB of 95 KB');
  });

  it('says every count, also where a line is too short for all of them', () => {
    const { totals } = progress();
    const snapshot = sumUp(1_000, progress({ totals: { ...totals, items: 2_830, failures: 52, arrived: 1_270 } }), []);
    for (const columns of [40, 60, 80]) {
      const said = at(columns, snapshot).join(' ').replace(/ +/g, ' ');
      expect(said).toContain(countLines(snapshot)[0]);
      expect(at(columns, snapshot).filter((line) => stringWidth(line) > columns)).toEqual([]);
    }
  });

  it('shows whose account and which folder is at work, four of them, whatever they are called', () => {
    const units = Array.from({ length: 7 }, (_, n) => ({
      isHeard: true,
      heartbeat: heartbeat({
        unit: n + 1,
        phase: n % 2 === 0 ? 'move' : 'verify',
        account: n === 1 ? `${'x'.repeat(300)}@old.example → 山田@new.example` : `anna${n}@old.example`,
        container: n === 2 ? `Archiv/${'很长的名字'.repeat(50)}/2024` : 'INBOX/2024',
      }),
    }));
    const snapshot = sumUp(1_000, progress({ units: { ...progress().units, running: 7 } }), units);

    for (const columns of [40, 60, 80, 120]) {
      const lines = at(columns, snapshot);
      expect(lines.filter((line) => stringWidth(line) > columns)).toEqual([]);
      expect(lines).toContain('  3 more at work');
      // What is counted is never cut.
      expect(lines.filter((line) => line.endsWith('100 of 300') || line.endsWith('0 of 300'))).toHaveLength(4);
    }
    expect(at(80, snapshot)).toContainEqual(
      expect.stringMatching(/^ {2}anna0@old\.example .* INBOX\/2024 +moving +100 of 300$/),
    );
  });

  it('says who is lost, that nobody answers, and why no time is told', () => {
    const lost = [
      { unit: 3, account: 'anna@old', why: 'given-up' as const, seconds: 0 },
      { unit: 4, why: 'silent' as const, seconds: 12, worker: 'drover/1f2e3d4c/workflows-1@host7:123' },
    ];
    const snapshot = { ...sumUp(1_000, progress(), [], { lost }), left: { untold: 'waiting' as const } };

    expect(liveLines(snapshot, 100, style)).toEqual(
      expect.arrayContaining([
        'time left: waiting',
        'unit 3, anna@old: a worker was lost; waiting until its lease ends (8 s), then another goes on',
        'unit 4: the worker on host7 (process 123) has said nothing for 12 s',
      ]),
    );
    expect(silenceWords({ silentSeconds: 9, workers: [] })).toEqual([
      'no worker asks for work: start one with `migrate worker`',
    ]);
    expect(progressRecord({ ...snapshot, workers: [], silentSeconds: 9 })).toMatchObject({
      untold: 'waiting',
      workers: 0,
      silentSeconds: 9,
      lost: [
        { unit: 3, why: 'given-up', seconds: 0 },
        { unit: 4, why: 'silent', seconds: 12 },
      ],
    });
  });

  it('never says 100 % before the last item', () => {
    const almost = progress({ totals: { ...none, items: 100_000, verified: 99_999 } });

    expect(liveLines(sumUp(0, almost, []), 80, style)[1]).toContain(' 99 %');
  });

  it('lets no server drive the terminal', () => {
    expect(liveLines(sumUp(0, progress({ gates: [gate] }), []), 80, style).join('\n')).not.toContain('\u001b');
  });
});

describe('gates', () => {
  const waiting = progress({
    state: 'waiting',
    units: { total: 3, waiting: 0, running: 0, parked: 1, done: 2, failed: 0 },
    gates: [gate],
    running: [],
  });

  it('are said plainly when nothing else is left', () => {
    expect(onlyGatesLeft({ progress: waiting })).toBe(true);
    const besides = (units: Partial<Progress['units']>): boolean =>
      onlyGatesLeft({ progress: { ...waiting, units: { ...waiting.units, ...units } } });
    expect([besides({ running: 1 }), besides({ waiting: 1 }), besides({ parked: 0 })]).toEqual([false, false, false]);
    expect(gateReport({ progress: waiting })).toEqual([
      'acme: all that is left waits behind 1 gate:',
      '  unit 3 (mail), waits for credentials: NO \\u001b[31mbad',
      '    renew it',
      '    migrate credentials acme --unit 3',
    ]);
  });

  const many = (gate: ParkedUnit['gate'], reason: string, names: readonly string[], first = 1): ParkedUnit[] =>
    names.map((account, at) => ({
      n: first + at,
      selection: 'mail',
      kind: 'mail',
      account,
      gate,
      reason,
      next: 'renew it',
    }));
  const at = (gates: readonly ParkedUnit[]) =>
    progress({
      state: 'waiting',
      units: { total: 9, waiting: 0, running: 0, parked: gates.length, done: 9 - gates.length, failed: 0 },
      gates,
      running: [],
    });

  it('of one cause are one, with whom it is about and one command', () => {
    const three = many('credentials', 'OLD_PASSWORD is not set', ['anna@old', 'bela@old', 'carl@old → carl@new']);
    expect(gateReport({ progress: at(three) })).toEqual([
      'acme: all that is left waits behind 1 gate:',
      '  3 accounts wait for credentials: OLD_PASSWORD is not set (anna@old, bela@old, carl@old → carl@new)',
      '    renew it',
      '    migrate credentials acme',
    ]);
  });

  it('are approved one by one where an approval without a unit would cover others', () => {
    const same = many('approval', '12 of 100 items are gone', ['anna@old', 'bela@old']);
    const other = many('approval', '90 of 100 items are gone', ['carl@old'], 3);
    expect(gateReport({ progress: at([...same, ...other]) }).filter((line) => line.includes('migrate'))).toEqual([
      '    migrate approve acme --unit 1',
      '    migrate approve acme --unit 2',
      '    migrate approve acme --unit 3',
    ]);
    expect(gateReport({ progress: at(same) })).toContain('    migrate approve acme');
  });

  it('never cut what to do, however narrow the terminal; names are', () => {
    const next = 'renew the secret where the spec names it, then run `migrate credentials`';
    const gates = many('credentials', 'x', ['anna@a-long-name.example.org', 'bela@a-long-name.example.org']);
    const lines = liveLines(sumUp(1_000, at(gates.map((gate) => ({ ...gate, next }))), []), 30, style);
    expect(lines.slice(2).every((line) => line.length <= 30)).toBe(true);
    const said = lines.map((line) => line.trim()).join(' ');
    expect(said).toContain(next);
    expect(said).toContain('migrate credentials acme');
    expect(lines).toContain('  (anna@a-long-name.example.o…');
    expect(gatePage(at(gates.map((gate) => ({ ...gate, next }))), 30).every((line) => line.length <= 30)).toBe(true);
  });

  it('come with their command for programs too', () => {
    expect(progressRecord(sumUp(0, waiting, []))).toMatchObject({
      state: 'waiting',
      gates: [{ unit: 3, gate: 'credentials', command: 'migrate credentials acme --unit 3' }],
    });
  });
});

describe('a result', () => {
  const result: RunResult = {
    name: 'acme',
    run: 3,
    state: 'done',
    units: 2,
    done: 2,
    failed: 0,
    totals: { ...none, items: 2_000, verified: 2_000, bytes: 260_000_000, changed: 1_998, created: 1_998 },
  };

  it('is complete only without anything left open', () => {
    const open = (totals: Partial<Counters>, more: Partial<RunResult> = {}): boolean =>
      isComplete({ ...result, ...more, totals: { ...result.totals, ...totals } });

    expect(open({})).toBe(true);
    expect([
      open({ failures: 1 }),
      open({ pending: 1 }),
      open({ arrived: 1 }),
      open({}, { failed: 1 }),
      open({}, { state: 'cancelled' }),
    ]).toEqual([false, false, false, false, false]);
  });

  it('says what happened', () => {
    expect(resultLines(result)[0]).toBe('acme: run 3 is done: all 2,000 items verified (260 MB); 1,998 created');
    expect(resultLines({ ...result, state: 'failed', reason: 'unit 2: no such folder' })[1]).toBe(
      'why: unit 2: no such folder',
    );
    expect(resultLines({ ...result, state: 'failed', reason: 'unit 2: no folder a\u001b[2J\nb' })[1]).toBe(
      'why: unit 2: no folder a\\u001b[2J\\u000ab',
    );
    expect(resultLines({ ...result, totals: { ...result.totals, created: 0 } })[0]).toContain(
      'nothing had to be written',
    );
    expect(
      resultLines({ ...result, state: 'failed', totals: { ...result.totals, verified: 1_990, failures: 10 } })[0],
    ).toContain('; 10 failed');
  });
});

it('says what it waits for while no worker has answered yet', () => {
  const lines = silentLines('acme', silenceWords({ silentSeconds: 12 }), 60, style);

  expect(lines[0]).toBe('acme · waiting for a worker to say where it stands');
  expect(lines.join('\n')).toContain('no worker has answered for 12 s');
  expect(lines.every((line) => line.length <= 60)).toBe(true);
});
