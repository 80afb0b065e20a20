import { expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../connectors/contract.js';
import type { Event } from '../ledger/events.js';
import { eventLine } from './log-lines.js';
import { createStyle } from './output.js';
import { createRecordingShell } from './recording-shell.js';

const style = createStyle(createRecordingShell().shell, false);
const AT = new Date('2026-03-01T09:05:07.123Z');

/** The line without its time. */
function line(message: string, detail: JsonObject, more: Partial<Event> = {}): string {
  const event: Event = { id: 1, at: AT, migration: 'm', run: 3, unit: null, level: 'info', message, detail, ...more };
  return eventLine(event, style).slice('2026-03-01 09:05:07  '.length);
}

it('has the time of the reader, to the second', () => {
  const zone = process.env.TZ;
  onTestFinished(() => {
    process.env.TZ = zone ?? 'UTC';
  });
  process.env.TZ = 'Europe/Berlin';

  const event: Event = { id: 1, at: AT, migration: 'm', run: 3, unit: 7, level: 'warn', message: 'x', detail: {} };

  expect(eventLine(event, style)).toBe('2026-03-01 10:05:07  warn   run 3  unit 7  x');
});

it.each<[string, JsonObject, string]>([
  ['pause', { asked: true, step: 'e/5' }, 'a person asked: pause'],
  ['retune', { asked: true, lanes: 2, itemsPerSecond: 50 }, 'a person asked: retune --lanes 2 --items-per-second 50'],
  [
    'retune',
    { asked: true, reset: ['bytesPerSecond'], lanes: 2 },
    'a person asked: retune --reset bytes-per-second --lanes 2',
  ],
  ['retune', { asked: true, reset: true }, 'a person asked: retune --reset'],
  ['retry', { asked: true, unit: 3 }, 'a person asked: retry --unit 3'],
  ['approve', { asked: true, units: 1 }, 'a person asked: approve (1 unit)'],
  [
    'run opened',
    { asked: true, reason: 'apply', spec: '0a1b2c3d4e5f', units: 12 },
    'run opened: apply, spec 0a1b2c3d4e5f, 12 units',
  ],
  [
    'run opened',
    { reason: 'schedule', schedule: 'nightly', spec: '0a1b2c3d4e5f', units: 1 },
    'run opened: schedule nightly, spec 0a1b2c3d4e5f, 1 unit',
  ],
  [
    'slice',
    { phase: 'move', ms: 123_456, items: 0, arrived: 1_200, verified: 0, failures: 2, bytes: 3_400_000 },
    'move: 1,200 arrived, 2 failed, 3.4 MB, in 2 min 3 s',
  ],
  [
    'run done',
    { items: 10, verified: 9, failures: 1, pending: 0, created: 9, units: 2, failed: 0 },
    'run done: 9 of 10 items verified, 1 failed, 9 created',
  ],
  ['unit failed', { reason: 'the network is down' }, 'unit failed: the network is down'],
  ['waits for credentials', { reason: 'no login', next: 'renew it' }, 'waits for credentials: no login; renew it'],
  ['waits for quota', { reason: 'full', next: null }, 'waits for quota: full'],
  ['gate opened', { by: 'time' }, 'goes on: its time has come'],
  ['gate opened', { by: 'approve' }, 'goes on: approve'],
  [
    'a folder was lost',
    { container: 5, lost: 3, reason: 'evil\u001b[2J' },
    'a folder was lost: evil\\u001b[2J; container 5; lost 3',
  ],
])('says %s with %j in words', (message, detail, words) => {
  expect(line(message, detail)).toBe(`info   run 3  ${words}`);
});
