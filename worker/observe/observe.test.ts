import { NativeConnection } from '@temporalio/worker';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../stack/free-port.js';
import { createLog, temporalLogger } from './log.js';
import { installRuntime } from './runtime.js';

const lines: Record<string, unknown>[] = [];
const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
const redact = (text: string) => text.replaceAll('s3"cret', '[redacted]');

afterEach(() => {
  lines.length = 0;
});

it('writes one JSON object a line, with the causes of an error', () => {
  const log = createLog({ level: 'info', redact, destination });

  log.debug('not shown');
  log.error({ err: new Error('writing', { cause: new Error('disk full') }), unit: 3 }, 'a slice failed');

  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 'error',
    msg: 'a slice failed',
    unit: 3,
    err: { message: 'writing', cause: { message: 'disk full' } },
  });
  expect(Date.parse(lines[0]?.time as string)).not.toBeNaN();
});

it('takes secrets out wherever they are, also those that JSON escapes', () => {
  const log = createLog({ level: 'info', redact, destination });

  log.child({ bound: 's3"cret' }).info({ deep: [{ er: 's3"cret!' }] }, 'in text: s3"cret');
  log.error(new Error('wrong password s3"cret'));

  expect(JSON.stringify(lines)).not.toContain('cret!');
  expect(lines[0]).toMatchObject({ bound: '[redacted]', deep: [{ er: '[redacted]!' }], msg: 'in text: [redacted]' });
  expect(lines[1]?.msg).toBe('wrong password [redacted]');
});

it("takes Temporal's messages in", () => {
  temporalLogger(createLog({ level: 'warn', redact, destination })).log('WARN', 'polling failed', {
    taskQueue: 'drover',
  });

  expect(lines[0]).toMatchObject({ level: 'warn', msg: 'polling failed', taskQueue: 'drover' });
});

it('serves our metrics to Prometheus', async () => {
  const metricsAddress = `127.0.0.1:${await freePort()}`;
  const log = createLog({ level: 'warn', redact, destination });
  const labels = { migration: 'acme', kind: 'mail' };

  const meters = installRuntime({ log, metricsAddress });
  meters.itemsMoved(400, labels);
  meters.bytesMoved(12_345, labels);
  meters.fault('throttled', labels);
  meters.sliceTook(1.5, labels);

  const page = () => fetch(`http://${metricsAddress}/metrics`).then((answer) => answer.text());
  await expect.poll(page).toMatch(/^drover_items_moved\w*\{.*migration="acme".*\} 400$/m);
  expect(await page()).toMatch(/^drover_bytes_moved\w*\{.*kind="mail".*\} 12345$/m);
  expect(await page()).toMatch(/^drover_faults\w*\{.*code="throttled".*\} 1$/m);
  expect(await page()).toMatch(/^drover_slice_duration_seconds_sum\{.*\} 1.5$/m);
  // The runtime ends with its last connection.
  await expect(NativeConnection.connect({ address: '127.0.0.1:1' })).rejects.toThrow();
});
