import { describe, expect, it } from 'vitest';
import { NO_COUNTERS } from '../words/counters.js';
import type { ParkedUnit } from '../words/units.js';
import { describeProgress } from '../workflows/details.js';
import type { Progress } from '../workflows/messages.js';
import { coveredLines } from './covered-lines.js';

const unit = { n: 3, selection: 'mail', account: 'anna → anna@new', reason: 'so many', kind: 'mail' } as const;
const deletions: ParkedUnit = {
  ...unit,
  gate: 'approval',
  covers: {
    token: '0123456789abcdef',
    items: 1_236,
    system: 'new (imap.new.example)',
    account: 'anna@new',
    first: [
      { folder: 'INBOX', key: '12', ref: '7', bytes: 4_100, date: '2024-03-01T10:22:03+01:00' },
      { folder: 'Bills\u001b[31m/2024', key: '13', bytes: 12 },
    ],
  },
};
const failures: ParkedUnit = {
  ...unit,
  gate: 'failures',
  covers: {
    token: 'fedcba9876543210',
    items: 12,
    first: [{ folder: 'INBOX', key: '12', bytes: 4_100, reason: 'the folder is read-only' }],
    causes: [
      { reason: 'the folder is read-only', items: 11 },
      { reason: 'too large', items: 1 },
    ],
  },
};

describe('what an approval covers', () => {
  it('is the system, the account, and each copy by folder, date and size; nothing in a name acts', () => {
    expect(coveredLines('acme', deletions)).toEqual([
      'deletes 1,236 copies from new (imap.new.example), account anna@new:',
      '  - INBOX: 12, 2024-03-01 10:22, 4.1 KB',
      '  - Bills\\u001b[31m/2024: 13, 12 bytes',
      '  and 1,234 more: `migrate approve acme --unit 3 --list FILE` writes all of them',
    ]);
  });

  it('is what failed, counted by cause', () => {
    expect(coveredLines('acme', failures)).toEqual([
      'goes on without 12 items that failed:',
      '  11: the folder is read-only',
      '  1: too large',
      '  - INBOX: 12, 4.1 KB: the folder is read-only',
      '  and 11 more: `migrate approve acme --unit 3 --list FILE` writes all of them',
    ]);
  });

  it('names an event or a contact as the server does that it is deleted from', () => {
    const { covers } = deletions;
    if (!covers) throw new Error('it covers nothing');
    const first = [{ folder: 'Team', key: 'a1.vcf', ref: 'b2.vcf', bytes: 200 }];
    const [, line] = coveredLines('acme', { ...deletions, kind: 'contacts', covers: { ...covers, items: 1, first } });
    expect(line).toBe('  - Team: b2.vcf, 200 bytes');
  });

  it('is nothing where no approval opens the gate', () => {
    expect(coveredLines('acme', { ...unit, gate: 'credentials' })).toEqual([]);
  });

  it('is shown in the Web UI, too', () => {
    const progress: Progress = {
      name: 'acme',
      run: 1,
      reason: 'apply',
      specHash: '',
      state: 'waiting',
      units: { total: 1, waiting: 0, running: 0, parked: 1, done: 0, failed: 0 },
      totals: NO_COUNTERS,
      running: [],
      gates: [deletions],
      queued: 0,
    };
    expect(describeProgress(progress)).toContain(
      '- unit 3, anna → anna@new (mail): deletes 1,236 copies from new (imap.new.example), account anna@new:\n  - INBOX: 12',
    );
  });
});
