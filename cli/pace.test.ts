import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Counters } from '../words/counters.js';
import { NO_COUNTERS } from '../words/counters.js';
import type { Moment, TimeLeft } from './pace.js';
import { createPace } from './pace.js';

/** A migration of one account after another, second by second: each moves what it has and then proves it. */
interface Story {
  readonly accounts: readonly number[];
  readonly itemBytes: number;
  readonly itemsPerSecond: number;
  /** How much faster proving is than moving. */
  readonly proving: number;
  /** From this second on, work is so many times as fast. */
  readonly change?: { readonly at: number; readonly factor: number };
  /** Work stands in these seconds, and why. */
  readonly stops: readonly { readonly from: number; readonly to: number; readonly why: 'killed' | 'paused' }[];
  /** So many items are found at that second, in a survey that takes ten seconds. */
  readonly found?: { readonly at: number; readonly items: number };
}

interface Second {
  readonly at: number;
  readonly told: TimeLeft;
  readonly why: 'killed' | 'paused' | undefined;
  /** Seconds of undisturbed work in one phase at one speed, up to this one. */
  readonly steadyFor: number;
  /** How long the rest took in the end, without the stops that came later. */
  readonly trulyLeft: number;
}

function play(story: Story): Second[] {
  const pace = createPace();
  const accounts = story.accounts.map((items) => ({ items, arrived: 0, verified: 0 }));
  const seconds: (Omit<Second, 'trulyLeft'> & { readonly worked: number })[] = [];
  let worked = 0;
  let steadyFor = 0;
  let phaseBefore = '';
  const isDone = (): boolean => accounts.every(({ items, verified }) => verified >= items);
  for (let at = 0; !isDone() && at < 5_000; at++) {
    const why = story.stops.find(({ from, to }) => at >= from && at < to)?.why;
    const surveying = story.found !== undefined && at >= story.found.at && at < story.found.at + 10;
    if (story.found && at === story.found.at + 9) accounts.push({ items: story.found.items, arrived: 0, verified: 0 });
    const account = accounts.find(({ items, verified }) => verified < items);
    const isMoving = account !== undefined && account.arrived < account.items;
    const factor = story.change && at >= story.change.at ? story.change.factor : 1;
    const isSteady = why === undefined && !surveying && story.change?.at !== at && `${isMoving}` === phaseBefore;
    phaseBefore = `${isMoving}`;
    steadyFor = isSteady ? steadyFor + 1 : 0;
    if (why === undefined && account) {
      const rate = story.itemsPerSecond * factor;
      if (isMoving) account.arrived = Math.min(account.items, account.arrived + rate);
      else account.verified = Math.min(account.items, account.verified + rate * story.proving);
      worked++;
    }
    const sum = (of: (account: (typeof accounts)[number]) => number): number =>
      accounts.reduce((all, one) => all + Math.floor(of(one)), 0);
    const verified = sum((one) => one.verified);
    const totals: Counters = {
      ...NO_COUNTERS,
      items: sum(({ items }) => items),
      bytes: sum(({ items }) => items) * story.itemBytes,
      verified,
      arrived: sum(({ arrived }) => arrived) - verified,
      bytesArrived: sum(({ arrived }) => arrived) * story.itemBytes,
      bytesVerified: verified * story.itemBytes,
    };
    pace.note(moment(at, totals, { why, surveying }));
    seconds.push({ at, told: pace.timeLeft(), why, steadyFor, worked });
  }
  return seconds.map(({ worked: before, ...second }) => ({ ...second, trulyLeft: worked - before }));
}

function moment(
  at: number,
  totals: Counters,
  { why, surveying = false }: { readonly why?: Second['why']; readonly surveying?: boolean } = {},
): Moment {
  return {
    at: 1_000 * at,
    state: why === 'paused' ? 'paused' : 'running',
    units: { total: 1, waiting: 0, running: 1, parked: 0, done: 0, failed: 0 },
    totals,
    phases: { survey: surveying ? 1 : 0, move: 1, verify: 0 },
    isWorking: why === undefined,
  };
}

const STEADY_SECONDS = 35;

function judge(story: Story): void {
  // What nobody can know before it happens is not asked for.
  const known = Math.max(story.change?.at ?? 0, story.found === undefined ? 0 : story.found.at + 10);
  for (const { at, told, why, steadyFor, trulyLeft } of play(story)) {
    if (why !== undefined) expect(told).toEqual({ untold: why === 'paused' ? 'paused' : 'waiting' });
    if (at < known || steadyFor < STEADY_SECONDS || trulyLeft < 10) continue;
    if (!('secondsLeft' in told)) throw new Error(`untold (${told.untold}) at ${at} s, ${trulyLeft} s were left`);
    const off = told.secondsLeft / trulyLeft;
    if (off < 0.5 || off > 2) throw new Error(`${told.secondsLeft} s told at ${at} s, ${trulyLeft} s were left`);
  }
}

const steady: Story = { accounts: [2_000, 500], itemBytes: 50_000, itemsPerSecond: 20, proving: 1, stops: [] };

describe('the time left', () => {
  it('is within a factor of two, once work goes on steadily again, whatever happened before', () => {
    const stories = fc.record({
      accounts: fc.array(fc.integer({ min: 500, max: 2_000 }), { minLength: 1, maxLength: 3 }),
      itemBytes: fc.integer({ min: 1, max: 1_000_000 }),
      itemsPerSecond: fc.integer({ min: 8, max: 40 }),
      // While everything is still moved, nobody knows how fast it will be proven: as fast as that, it is guessed.
      proving: fc.double({ min: 0.7, max: 1.8, noNaN: true }),
      stops: fc.array(
        fc.record({
          from: fc.integer({ min: 5, max: 300 }),
          why: fc.constantFrom('killed' as const, 'paused' as const),
        }),
        { maxLength: 2 },
      ),
      change: fc.option(
        fc.record({ at: fc.integer({ min: 5, max: 200 }), factor: fc.double({ min: 0.2, max: 5, noNaN: true }) }),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(stories, ({ change, stops, ...story }) =>
        judge({
          ...story,
          stops: stops.map((stop) => ({ ...stop, to: stop.from + 60 })),
          ...(change && { change }),
        }),
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    ['steady work', {}],
    ['a worker that was killed, and a minute without one', { stops: [{ from: 60, to: 120, why: 'killed' }] }],
    ['a pause of ten minutes', { stops: [{ from: 60, to: 660, why: 'paused' }] }],
    ['a line that becomes ten times as slow', { change: { at: 60, factor: 0.1 } }],
    ['a line that becomes ten times as fast', { accounts: [20_000], change: { at: 60, factor: 10 } }],
    ['a folder that is found meanwhile', { found: { at: 60, items: 4_000 } }],
  ] satisfies [string, Partial<Story>][])('holds for %s', (_what, more) => {
    judge({ ...steady, ...more });
  });

  it('says why it cannot be told: work stands, is counted, has just begun, or nothing ends', () => {
    const killed = play({ ...steady, stops: [{ from: 60, to: 120, why: 'killed' }] });
    const found = play({ ...steady, found: { at: 60, items: 4_000 } });
    const hung = createPace();
    for (let at = 0; at < 300; at++)
      hung.note(
        moment(at, {
          ...NO_COUNTERS,
          items: 100,
          arrived: Math.min(at, 50),
          bytes: 100,
          bytesArrived: Math.min(at, 50),
        }),
      );

    expect(killed[1]?.told).toEqual({ untold: 'measuring' });
    expect([killed[60]?.told, killed[119]?.told]).toEqual([{ untold: 'waiting' }, { untold: 'waiting' }]);
    // What was measured before the stop still holds: nobody waits for another half minute.
    expect(killed[121]?.told).toHaveProperty('secondsLeft');
    expect(found[65]?.told).toEqual({ untold: 'counting' });
    expect(hung.timeLeft()).toEqual({ untold: 'measuring' });
  });

  it('is guessed by units while most of them are not counted yet, once some have ended', () => {
    const pace = createPace();
    for (let at = 0; at <= 120; at++) {
      const done = Math.floor(at / 6);
      pace.note({
        ...moment(at, { ...NO_COUNTERS, items: 100 * (done + 8), verified: 100 * done }),
        units: { total: 500, waiting: 492 - done, running: 8, parked: 0, done, failed: 0 },
      });
      // Eight have ended by then, as many as work at once: these may have ended all together.
      if (at === 53) expect(pace.timeLeft()).toEqual({ untold: 'counting' });
    }

    expect(pace.timeLeft()).toEqual({ secondsLeft: 480 * 6 });
  });

  it('does not count what did not happen before its eyes: a laptop that slept', () => {
    const pace = createPace();
    const at = (second: number, arrived: number): void =>
      pace.note(moment(second, { ...NO_COUNTERS, items: 10_000, arrived, bytes: 10_000, bytesArrived: arrived }));
    for (let second = 0; second <= 40; second++) at(second, 10 * second);
    at(3_640, 9_000);
    for (let second = 3_641; second <= 3_650; second++) at(second, 9_000 + 10 * (second - 3_640));

    expect(pace.timeLeft()).toEqual({ secondsLeft: Math.round((20_000 - 9_100) / 10) });
  });
});
