import { describe, expect, it } from 'vitest';
import type { Schedule } from '../schemas/spec.js';
import { differs, scheduleOptions } from './schedules.js';

const nightly: Schedule = { name: 'nightly', selections: ['mail'], every: '1d', jitter: '5m' };
const made = (schedule: Schedule, hash = 'h1') => scheduleOptions('acme', schedule, hash, 'drover');
/** As Temporal describes what was made, when nobody touched it. */
const described = (schedule: Schedule) => {
  const { action, policies, spec } = made(schedule);
  return {
    action,
    policies: { pauseOnFailure: false, ...policies },
    spec: { ...spec, intervals: spec.intervals?.map((i) => ({ offset: 0, ...i })) },
  } as unknown as Parameters<typeof differs>[1];
};

describe('scheduleOptions', () => {
  it("says in Temporal's words what the spec says", () => {
    expect(made(nightly)).toMatchObject({
      scheduleId: 'migrate/acme/nightly',
      spec: { intervals: [{ every: 86_400_000 }], jitter: 300_000 },
      policies: { overlap: 'SKIP', catchupWindow: 3_600_000 },
      action: {
        workflowType: 'tick',
        workflowId: 'tick/acme/nightly',
        args: [{ name: 'acme', schedule: 'nightly', selections: ['mail'] }],
        memo: { specHash: 'h1' },
      },
      state: { paused: false },
    });
  });

  it('keeps cron, zone, overlap, catch-up and pause', () => {
    expect(
      made({
        name: 'q',
        selections: ['mail'],
        cron: '*/15 * * * *',
        timezone: 'Europe/Berlin',
        overlap: 'buffer-one',
        catchupWindow: '2h',
        paused: true,
      }),
    ).toMatchObject({
      spec: { cronExpressions: ['*/15 * * * *'], timezone: 'Europe/Berlin' },
      policies: { overlap: 'BUFFER_ONE', catchupWindow: 7_200_000 },
      state: { paused: true },
    });
  });
});

describe('differs', () => {
  it('is false for what was made, even by another spec that says the same of it', () => {
    expect(differs(made(nightly), described(nightly))).toBe(false);
    expect(differs(made(nightly, 'h2'), described(nightly))).toBe(false);
  });

  it.each<[string, Partial<Schedule>]>([
    ['interval', { every: '2d' }],
    ['selections', { selections: ['mail', 'more'] }],
    ['jitter', { jitter: '6m' }],
    ['overlap', { overlap: 'buffer-one' }],
    ['pause', { paused: true }],
  ])('sees a changed %s', (_, change) => {
    expect(differs(made({ ...nightly, ...change }), described(nightly))).toBe(true);
  });

  it("sees a person's hand in the Web UI", () => {
    const found = described(nightly);

    expect(differs(made(nightly), { ...found, policies: { ...found.policies, overlap: 'ALLOW_ALL' } })).toBe(true);
    expect(differs(made(nightly), { ...found, spec: { ...found.spec, jitter: 1 } })).toBe(true);
    expect(
      differs(made(nightly), { ...found, spec: { ...found.spec, intervals: [{ every: 60_000, offset: 0 }] } }),
    ).toBe(true);
  });
});
