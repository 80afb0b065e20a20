import { describe, expect, it } from 'vitest';
import type { Schedule } from '../schemas/spec.js';
import { differs, scheduleOptions } from './schedules.js';

const nightly: Schedule = { name: 'nightly', selections: ['mail'], every: '1d', jitter: '5m' };
const made = (schedule: Schedule, hash = 'h1') => scheduleOptions('acme', schedule, hash, 'drover');
const weekly: Schedule = { name: 'w', selections: ['mail'], cron: '30 2,14 * * mon-fri', timezone: 'Europe/Berlin' };
/** What server 1.29 makes of that cron. */
const WORKDAYS = {
  second: [{ start: 0, end: 0, step: 1 }],
  minute: [{ start: 30, end: 30, step: 1 }],
  hour: [
    { start: 2, end: 2, step: 1 },
    { start: 14, end: 14, step: 1 },
  ],
  dayOfMonth: [{ start: 1, end: 31, step: 1 }],
  month: [{ start: 'JANUARY', end: 'DECEMBER', step: 1 }],
  year: [],
  dayOfWeek: [{ start: 'MONDAY', end: 'FRIDAY', step: 1 }],
  comment: '',
};
/** As Temporal describes what was made, when nobody touched it. */
const described = (schedule: Schedule) => {
  const { action, policies, spec } = made(schedule);
  return {
    action,
    policies: { pauseOnFailure: false, ...policies },
    spec: {
      ...spec,
      cronExpressions: undefined,
      calendars: spec.cronExpressions?.map(() => WORKDAYS),
      intervals: spec.intervals?.map((i) => ({ offset: 0, ...i })),
      skip: [],
    },
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
    expect(differs(made(weekly), described(weekly))).toBe(false);
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

  it.each([
    ['hours', { calendars: [{ ...WORKDAYS, hour: [{ start: 2, end: 14, step: 1 }] }] }],
    ['days', { calendars: [{ ...WORKDAYS, dayOfWeek: [{ start: 'SUNDAY', end: 'FRIDAY', step: 1 }] }] }],
    ['months', { calendars: [{ ...WORKDAYS, month: [{ start: 'JANUARY', end: 'NOVEMBER', step: 1 }] }] }],
    ['a second calendar', { calendars: [WORKDAYS, WORKDAYS] }],
    ['no calendar', { calendars: [] }],
    ['the time zone', { timezone: 'UTC' }],
    ['left out times', { skip: [WORKDAYS] }],
  ])("sees a person's hand in a cron: %s", (_, change) => {
    const found = described(weekly);

    const touched = { ...found, spec: { ...found.spec, ...change } } as Parameters<typeof differs>[1];
    expect(differs(made(weekly), touched)).toBe(true);
  });
});
