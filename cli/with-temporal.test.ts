import { expect, it } from 'vitest';
import { exitCodes } from './exit-codes.js';
import { explain, grpc } from './with-temporal.js';

it('says of a request that Ctrl-C cut off that nobody knows whether it was taken, and not that Temporal refuses', () => {
  const cut = Object.assign(new Error('1 CANCELLED: This operation was aborted'), { code: grpc.cancelled });
  expect(explain(cut, { address: '127.0.0.1:7233', namespace: 'default' })).toMatchObject({
    exitCode: exitCodes.interrupted,
    message: expect.stringMatching(/^interrupted before Temporal had answered/),
  });
});
