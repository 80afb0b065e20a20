import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { fillLedger } from '../../report/sample-ledger.js';
import type { LedgerServer } from '../../tests/engine/ledger.js';
import { startLedger } from '../../tests/engine/ledger.js';
import { createRecordingShell } from '../recording-shell.js';
import { run } from './report.js';

let server: LedgerServer;
let cwd: string;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'drover-report-command-'));
});
afterEach(async () => {
  await server.clear();
  await rm(cwd, { recursive: true, force: true });
});

async function report(output: 'text' | 'json' = 'text') {
  const { shell, out, err } = createRecordingShell({ cwd, env: { DROVER_LEDGER_URL: server.url } });
  const code = await run(shell, { name: 'acme', output } as Parameters<typeof run>[1]);
  return { code, out, err };
}

it('prints where the page is and the answer, and ends with 0 when everything is verified', async () => {
  await fillLedger(server.ledger, {});

  expect(await report()).toEqual({
    code: 0,
    out: [join(cwd, 'drover-report/acme-run-2/report.html')],
    err: ['acme, run 2: all 40 items verified: each arrived once, unchanged'],
  });
});

it('says of a run that goes on that it does, before its numbers, and ends with 1', async () => {
  await fillLedger(server.ledger, {});
  await server.ledger.pool.query(
    "update run set state = 'running', ended_at = null, totals = null where number = 2; update unit set state = 'running' where n = 1",
  );

  const { code, err } = await report();
  const { unfinished } = JSON.parse((await report('json')).out.join('\n'));

  expect(code).toBe(1);
  expect(err).toEqual([
    expect.stringMatching(/^acme: Run 2 goes on: these are the numbers of .* UTC; 1 of 2 accounts is done\.$/),
    'acme, run 2: so far all 40 items verified: each arrived once, unchanged',
  ]);
  expect(unfinished).toMatch(/^Run 2 goes on: /);
});
