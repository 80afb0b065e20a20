/** `prune` and `forget` as far as they are understood or refused without Temporal, and how they print. */
import { describe, expect, it } from 'vitest';
import type { ForgetResult, PruneResult } from '../../words/upkeep.js';
import { createRecordingShell } from '../recording-shell.js';
import { main } from '../run.js';
import { forgetLines } from './forget.js';
import { pruneLines } from './prune.js';

it.each([
  [['prune', '--older-than', 'yesterday'], 'Use a duration such as 90d, 12w or 36h.'],
  [['prune', '--older-than', '-3d'], 'Use a duration such as 90d, 12w or 36h.'],
  [['prune', '--older-than', ''], 'Use a duration such as 90d, 12w or 36h.'],
  [['prune', '--older-than', '101w9999999d'], 'Use a duration such as 90d, 12w or 36h.'],
  [['prune', 'one', 'two'], 'too many arguments'],
  [['forget'], "missing required argument 'name'"],
  [['forget', 'one', '--account'], 'argument missing'],
])('refuses %j', async (argv, words) => {
  const { shell, err } = createRecordingShell({ argv });

  expect([await main(shell), err.join('\n')]).toEqual([64, expect.stringContaining(words)]);
});

describe('pruneLines', () => {
  const result: PruneResult = { dryRun: false, migrations: [], specs: 0, keepsReports: true };

  it('says that nothing is old', () => {
    expect(pruneLines(result)).toEqual(['nothing is old enough to be removed']);
  });

  it('has a line for each migration', () => {
    const acme = { name: 'acme', events: 1200, outcomes: 3, runs: 2, gates: 0, reports: 1, bytes: 4096 };

    expect(pruneLines({ ...result, dryRun: true, migrations: [acme], specs: 1, keepsReports: false })).toEqual([
      'migration  events  outcomes  runs  gates  reports  their size',
      'acme         1200         3     2      0        1  4.1 KB',
      '1,205 rows would be removed; every item, its proof and the last report of each migration stay',
      '1 spec that no run stands by any more would be removed',
      'the worker that answered keeps no reports',
    ]);
  });
});

describe('forgetLines', () => {
  it('names whom it is about, and nothing that acts on the terminal', () => {
    const result: ForgetResult = {
      name: 'acme',
      account: 'anna\u001b[2J',
      dryRun: true,
      units: Array.from({ length: 25 }, (_, n) => ({ n: n + 1, selection: 'mail', from: 'anna\u001b[2J', to: 'anna' })),
      removed: {
        containers: 2,
        items: 1234,
        places: 0,
        uploads: 0,
        batches: 0,
        events: 0,
        outcomes: 0,
        runs: 0,
        specs: 1,
        reports: 0,
      },
      kept: ['the place x stays'],
      elsewhere: ['backups'],
    };

    const lines = forgetLines(result);

    expect(lines.join()).not.toContain('\u001b');
    expect(lines).toContain('  1,234 items, 2 containers, 1 stored spec');
    expect(lines).toContain('  and 5 more units');
    expect(lines.slice(-4)).toEqual([
      'what stays:',
      '  the place x stays',
      'where something may still be found:',
      '  backups',
    ]);
  });
});
