import { expect, it } from 'vitest';
import type { Spec } from '../schemas/spec.js';
import { sendSpec } from './send-spec.js';
import type { TemporalAccess } from './temporal.js';

const never = new AbortController().signal;
/** Nobody is asked. */
const temporal = {} as TemporalAccess;

const spec = (account: string): Spec => ({
  version: 1,
  name: 'move',
  sources: {},
  targets: {},
  selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts: [{ from: account, to: account }] }],
});

it('lets a small spec travel as it is, so that it can be read in the Web UI', async () => {
  expect(await sendSpec(temporal, spec('anna'), never)).toEqual({ carried: { spec: spec('anna') }, parts: [] });
});

it('refuses what no worker would take', async () => {
  await expect(sendSpec(temporal, spec('x'.repeat(25_000_000)), never)).rejects.toMatchObject({
    message: 'the spec "move" with its accounts is 51 MB; at most 48 MB are taken',
    next: expect.stringContaining('split the accounts'),
    exitCode: 65,
  });
});
