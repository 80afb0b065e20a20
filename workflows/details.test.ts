import { describe, expect, it } from 'vitest';
import { NO_COUNTERS } from '../words/counters.js';
import { describeProgress, describeUnit } from './details.js';
import type { Progress } from './messages.js';

const HOSTILE = 'a`b|![c](http://evil.example)<img src=x>**d**\n# e\u202e';
const SHOWN = 'a\\`b\\|!\\[c\\](http://evil.example)\\<img src=x\\>\\*\\*d\\*\\*\\\\u000a# e\\\\u202e';

const progress: Progress = {
  name: 'acme',
  run: 1,
  reason: 'apply',
  specHash: '',
  state: 'running',
  units: { total: 1, waiting: 0, running: 1, parked: 0, done: 0, failed: 1 },
  totals: NO_COUNTERS,
  running: [{ n: 1, kind: 'files', selection: 'files', account: HOSTILE }],
  gates: [],
  failedFor: [
    { reason: `no folder ${HOSTILE}`, next: 'set `names`', count: 1, units: [{ n: 2, account: HOSTILE }], alike: true },
  ],
  queued: 0,
};

describe('what the Web UI shows', () => {
  it('makes nothing of marks in foreign names: no link, no picture, no line', () => {
    const lines = describeProgress(progress).split('\n');
    expect(lines).toContain(`At work: ${SHOWN}`);
    const failed = lines.find((line) => line.startsWith('- ')) as string;
    expect(failed).not.toMatch(/(?<!\\)[[<]/);
    expect(failed).toMatch(/\*\*To do:\*\* set `names`$/);
    expect(describeUnit({ n: 2, account: HOSTILE }, { reason: HOSTILE })).toBe(
      `**${SHOWN}** (unit 2, ): failed: ${SHOWN}`,
    );
  });
});
