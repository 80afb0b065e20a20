import { expect, it } from 'vitest';
import { createVigil } from './vigil.js';

const worker = 'drover/1f2e3d4c/workflows-1@host7:123';
const timedOut = { timeoutFailureInfo: { timeoutType: 4 } };
const at = (seconds: number) => ({ seconds, nanos: 0 });
const started = { state: 2, attempt: 1, lastWorkerIdentity: worker };

it('hears a worker by what it does: it takes the work, tells where it is, fails at it', () => {
  const vigil = createVigil(0);
  const silent = (second: number, ...pendingActivities: object[]): number =>
    vigil.note(1_000 * second, { pendingActivities }).silentMs;

  expect(silent(20)).toBe(20_000);
  expect(silent(21, started)).toBe(0);
  expect(silent(30, started)).toBe(9_000);
  expect(silent(31, { ...started, lastHeartbeatTime: at(31) })).toBe(0);
  expect(silent(50, { ...started, attempt: 2, lastHeartbeatTime: at(31), lastFailure: {} })).toBe(0);
});

it('does not hear one that is frozen, however often it is given the work', () => {
  const vigil = createVigil(0);
  vigil.note(1_000, { pendingActivities: [{ ...started, lastHeartbeatTime: at(1) }] });

  for (const [second, more] of [
    [12, { attempt: 2, state: 1, lastFailure: timedOut }],
    [13, { attempt: 2, lastFailure: timedOut }],
    [24, { attempt: 3, lastFailure: timedOut }],
  ] as const) {
    const seen = vigil.note(1_000 * second, { pendingActivities: [{ ...started, lastHeartbeatTime: at(1), ...more }] });
    expect(seen).toEqual({ silentMs: 1_000 * (second - 1), isUntaken: false, worker });
  }
});

it('tells what nobody has taken yet from what somebody dropped', () => {
  const vigil = createVigil(0);

  expect(vigil.note(1_000, {})).toEqual({ silentMs: 1_000, isUntaken: true });
  expect(vigil.note(2_000, { pendingActivities: [{ state: 1, attempt: 1 }] }).isUntaken).toBe(true);
  vigil.hear(30_000);
  expect(vigil.note(31_000, { pendingActivities: [{ state: 1, attempt: 1 }] }).silentMs).toBe(1_000);
});
