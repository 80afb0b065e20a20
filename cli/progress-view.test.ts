import { describe, expect, it } from 'vitest';
import type { Counters } from '../words/counters.js';
import type { SliceHeartbeat } from '../words/progress.js';
import type { RunResult } from '../words/runs.js';
import type { ParkedUnit } from '../words/units.js';
import type { Progress } from '../workflows/messages.js';
import { gatePage, gateReport, onlyGatesLeft } from './gate-lines.js';
import { createStyle } from './output.js';
import { liveLines, progressRecord } from './progress-view.js';
import { isComplete, resultLines } from './result-lines.js';
import type { Shell } from './shell.js';
import { estimate, recentRate, sumUp } from './snapshot.js';

const none: Counters = {
  items: 0,
  bytes: 0,
  verified: 0,
  arrived: 0,
  failures: 0,
  pending: 0,
  duplicates: 0,
  bytesArrived: 0,
  changed: 0,
  created: 0,
  updated: 0,
  moved: 0,
  removed: 0,
  skipped: 0,
  conflicts: 0,
};
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
  const snapshot = sumUp(1_000, progress(), [{ at: 900, heartbeat: heartbeat({ troubles }) }], failing);
  expect(liveLines(snapshot, 200, style)).toEqual(
    expect.arrayContaining(['unit 4, is tried again: no connection', 'unit 3, 2 items: the server says 500']),
  );
});

describe('sumUp', () => {
  it('adds what running units say to what ended ones did', () => {
    const snapshot = sumUp(1_000, progress(), [{ at: 900, heartbeat: heartbeat() }]);

    expect(snapshot.totals).toMatchObject({ items: 400, verified: 100, arrived: 100, bytesArrived: 15_000 });
    expect(snapshot).toMatchObject({ itemsPerSecond: 50, phases: { survey: 0, move: 1, verify: 0 } });
  });

  it('keeps the counters of a silent unit, but not its rates', () => {
    const snapshot = sumUp(60_000, progress(), [{ at: 900, heartbeat: heartbeat() }]);

    expect([snapshot.totals.items, snapshot.itemsPerSecond]).toEqual([400, 0]);
  });
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

describe('estimate', () => {
  const snapshot = sumUp(1_000, progress(), [{ at: 900, heartbeat: heartbeat() }]);
  const marks = [
    { at: 0, work: 100 },
    { at: 10_000, work: 300 },
  ];

  it('takes moving and verifying for one step each', () => {
    expect(estimate(snapshot, marks)).toBe(25); // 2 × 400 steps, 300 done, 20 a second
  });

  it('does not guess while items are still being counted', () => {
    const surveying = sumUp(1_000, progress(), [{ at: 900, heartbeat: heartbeat({ phase: 'survey' }) }]);
    const waiting = sumUp(1_000, progress({ units: { ...progress().units, waiting: 1 } }), []);

    expect([estimate(surveying, marks), estimate(waiting, marks), estimate(snapshot, marks.slice(1))]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('large files', () => {
  const GB = 1_000_000_000;
  const film = { path: 'films/the one that is far too long for a line.mp4', bytes: 20 * GB, done: 6 * GB };
  const moving = (more: Partial<SliceHeartbeat> = {}) =>
    sumUp(40_000, progress({ running: [{ n: 3, selection: 'share', kind: 'files' }] }), [
      {
        at: 39_000,
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
    const lines = liveLines({ ...moving(), secondsLeft: 140 }, 40, style);

    expect(lines).toContain('0 items/s · 100 MB/s · about 2 min 20 s…');
    expect(lines).toContain('  30 % of 20 GB  …oo long for a line.mp4');
    expect(progressRecord(moving()).files).toEqual([{ bytes: 20 * GB, done: 6 * GB }]);
    expect(progressRecord(moving({ files: [] }))).not.toHaveProperty('files');
  });

  it('are no more under way when their unit has fallen silent', () => {
    expect(sumUp(60_000, progress(), [{ at: 900, heartbeat: heartbeat({ files: [film] }) }]).files).toEqual([]);
  });

  it('give the rate of the last half minute, whatever a slice began anew', () => {
    const marks = [
      { at: 0, work: 0, bytes: 0 },
      { at: 20_000, work: 0, bytes: 5 * GB },
      { at: 30_000, work: 0, bytes: 6 * GB },
      // The next slice counts what the ledger holds of a file that is not there yet: nothing.
      { at: 31_000, work: 0, bytes: 0 },
      { at: 40_000, work: 0, bytes: GB },
    ];

    expect(recentRate(moving(), marks)).toBe((2 * GB) / 20);
    expect(recentRate(moving(), marks.slice(4))).toBeUndefined();
    expect(
      recentRate(moving(), [marks[1] as (typeof marks)[0], { ...(marks[1] as (typeof marks)[0]), at: 40_000 }]),
    ).toBeUndefined();
  });

  it('leave as long as their bytes take, or their items, whichever is longer', () => {
    expect(estimate(moving(), [{ at: 0, work: 0 }])).toBe(140); // 14 GB at 100 MB a second; the other units' bytes have arrived
    expect(estimate(moving({ bytesPerSecond: 0 }), [{ at: 0, work: 0 }])).toBeUndefined();
    const slow = [
      { at: 0, work: 100 },
      { at: 40_000, work: 101 },
    ];
    expect(estimate(moving(), slow)).toBe((202 - 101) * 40);
  });
});

describe('liveLines', () => {
  it('shows where it stands, no wider than the terminal', () => {
    const lines = liveLines(
      { ...sumUp(1_000, progress(), [{ at: 900, heartbeat: heartbeat() }]), secondsLeft: 90 },
      60,
      style,
    );

    expect(lines).toEqual([
      'acme · run 3 · moving · 2 of 3 units done, 1 running',
      '██████████▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░░░░░░░░░░░ 25 %',
      '100 of 400 items verified; 100 arrived but not proven',
      '15 KB of 35 KB',
      '50 items/s · 4.0 MB/s · about 1 min 30 s left',
      'Ctrl-C ends watching; the migration goes on',
    ]);
    expect(
      liveLines(sumUp(1_000, progress({ gates: [{ ...gate, reason: 'x'.repeat(200) }] }), []), 40, style)
        .slice(2)
        .every((line) => line.length <= 40),
    ).toBe(true);
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
    expect(resultLines({ ...result, totals: { ...result.totals, created: 0 } })[0]).toContain(
      'nothing had to be written',
    );
    expect(
      resultLines({ ...result, state: 'failed', totals: { ...result.totals, verified: 1_990, failures: 10 } })[0],
    ).toContain('; 10 failed');
  });
});
