import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTemporalSettings, readWorkerSettings, SettingsError } from './settings.js';
import { settingsPage } from './settings-table.js';
import { packageRoot } from './stack/compiled.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'drover-settings-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A file of the test's own, so that the configuration of whoever runs it does not count. */
const none = () => ({ TEMPORAL_CONFIG_FILE: '/dev/null' });
const ledger = { DROVER_LEDGER_URL: 'postgresql://drover:secret@db:5432/drover' };

describe('readWorkerSettings', () => {
  it('needs the ledger only', () => {
    expect(readWorkerSettings({ ...none(), ...ledger })).toEqual({
      temporal: {
        address: 'localhost:7233',
        namespace: 'default',
        connection: { address: 'localhost:7233' },
        configured: false,
      },
      ledgerUrl: ledger.DROVER_LEDGER_URL,
      taskQueue: 'drover',
      logLevel: 'info',
      maxBytesInFlight: 100_663_296,
      sliceMs: 30_000,
      shutdownGraceMs: 20_000,
      maxSlices: 16,
      retention: {
        events: 90 * 86_400_000,
        outcomes: 365 * 86_400_000,
        runs: 365 * 86_400_000,
        reports: 90 * 86_400_000,
      },
    });
  });

  it('keeps for days, or for ever', () => {
    const days = { DROVER_KEEP_EVENTS_DAYS: '1', DROVER_KEEP_RUNS_DAYS: 'forever', DROVER_KEEP_REPORTS_DAYS: '36500' };

    expect(readWorkerSettings({ ...none(), ...ledger, ...days }).retention).toEqual({
      events: 86_400_000,
      outcomes: 365 * 86_400_000,
      reports: 36_500 * 86_400_000,
    });
  });

  it.each(['0', '-1', '1.5', '90d', '36501', 'never', '   x'])('does not keep for %j days', (days) => {
    expect(() => readWorkerSettings({ ...none(), ...ledger, DROVER_KEEP_EVENTS_DAYS: days })).toThrow(
      /DROVER_KEEP_EVENTS_DAYS is ".*": say days as a whole number from 1 to 36500, or forever/,
    );
  });

  it('reads the ledger from a file', () => {
    writeFileSync(join(dir, 'url'), 'postgres://u:p@db/x\n');

    expect(readWorkerSettings({ ...none(), DROVER_LEDGER_URL_FILE: join(dir, 'url') }).ledgerUrl).toBe(
      'postgres://u:p@db/x',
    );
  });

  it('reports every problem at once, and no secret', () => {
    const broken = join(dir, 'broken.toml');
    writeFileSync(broken, '[[');
    const env = {
      ...none(),
      DROVER_LEDGER_URL: 'mysql://root:hunter2@db/x',
      DROVER_LOG_LEVEL: 'loud',
      DROVER_SLICE_SECONDS: '0',
      DROVER_MAX_BYTES_IN_FLIGHT: '96MB',
      DROVER_METRICS_ADDRESS: 'everywhere',
      TEMPORAL_CONFIG_FILE: broken,
    };

    let error: unknown;
    try {
      readWorkerSettings(env);
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toBeInstanceOf(SettingsError);
    const { message, problems } = error as SettingsError;
    expect(problems).toHaveLength(6);
    for (const name of Object.keys(env).filter((key) => key.startsWith('DROVER_')))
      expect(message).toContain(`${name} is`);
    expect(message).toContain('say one of trace, debug, info, warn, error, silent');
    expect(message).not.toContain('hunter2');
  });

  it.each([
    [{}, /DROVER_LEDGER_URL is not set/],
    [{ ...ledger, DROVER_LEDGER_URL_FILE: '/f' }, /both set: keep one/],
    [{ DROVER_LEDGER_URL_FILE: '/nowhere/url' }, /names \/nowhere\/url, which cannot be read \(ENOENT\)/],
  ])('refuses %j', (env, message) => {
    expect(() => readWorkerSettings({ ...none(), ...env })).toThrow(message);
  });
});

describe('readTemporalSettings', () => {
  it("reads the profile of Temporal's configuration file, and variables over it", () => {
    const file = join(dir, 'temporal.toml');
    writeFileSync(file, '[profile.cloud]\naddress = "cloud:7233"\nnamespace = "acme.x1"\napi_key = "k"\n');

    const env = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_NAMESPACE: 'other' };
    const { address, namespace, connection, configured } = readTemporalSettings(env, 'cloud');

    expect({ address, namespace, configured }).toEqual({ address: 'cloud:7233', namespace: 'other', configured: true });
    // An API key is never sent in the clear.
    expect(connection).toMatchObject({ apiKey: 'k', tls: true });
  });
});

it('keeps docs/settings.md in step (UPDATE_GOLDEN=1 writes it)', () => {
  const file = join(packageRoot(), 'docs/settings.md');
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, settingsPage());

  expect(readFileSync(file, 'utf8')).toBe(settingsPage());
});
