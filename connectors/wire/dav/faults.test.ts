import { describe, expect, it } from 'vitest';
import { davError } from '../../../tests/servers/scripted-http.js';
import type { FaultCode } from '../../errors.js';
import { faultOf, readError } from './faults.js';

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const errorWith = (inner: string): string => String(davError(403, inner).body);

describe('the fault that a status is', () => {
  it.each<[number, string, FaultCode]>([
    [400, '', 'refused'],
    [401, '', 'credentials'],
    [403, '', 'refused'],
    [403, '<D:need-privileges/>', 'refused'],
    [403, '<D:valid-sync-token/>', 'cursor-lost'],
    [409, '<D:valid-sync-token/>', 'cursor-lost'],
    [403, '<D:quota-not-exceeded/>', 'quota'],
    [403, '<C:supported-calendar-data/>', 'refused'],
    [404, '', 'not-found'],
    [405, '', 'refused'],
    [408, '', 'unavailable'],
    [409, '', 'conflict'],
    [410, '', 'not-found'],
    [412, '', 'conflict'],
    [413, '', 'refused'],
    [415, '', 'refused'],
    [423, '', 'unavailable'],
    [425, '', 'unavailable'],
    [429, '', 'throttled'],
    [500, '', 'unavailable'],
    [502, '', 'unavailable'],
    [503, '', 'unavailable'],
    [504, '', 'unavailable'],
    [507, '', 'quota'],
    [507, '<D:quota-not-exceeded/>', 'quota'],
  ])('%i %s is %s', async (status, inner, code) => {
    const words = inner === '' ? {} : await readError(once(errorWith(inner)));
    const fault = faultOf('PUT /cal/', status, words, undefined);
    expect(fault.code).toBe(code);
    expect(fault.message).toContain(`PUT /cal/: the server answered ${status}`);
    expect(fault.next).toBeTruthy();
  });

  it.each([429, 503])('%i waits as long as the server asks, in seconds or until a date', (status) => {
    expect(faultOf('x', status, {}, '120')).toMatchObject({ code: 'throttled', retryAfterMs: 120_000 });
    const date = faultOf('x', status, {}, new Date(Date.now() + 90_000).toUTCString());
    expect(date.code).toBe('throttled');
    expect(date.retryAfterMs).toBeGreaterThan(80_000);
    expect(date.retryAfterMs).toBeLessThanOrEqual(90_000);
    expect(faultOf('x', status, {}, new Date(0).toUTCString())).toMatchObject({ code: 'throttled', retryAfterMs: 0 });
    expect(faultOf('x', status, {}, 'soon').retryAfterMs).toBeGreaterThan(0);
  });

  it("has the server's own words, in one line and no more than some", async () => {
    const words = await readError(
      once(
        errorWith(`<D:need-privileges/><D:responsedescription>no\n  rights ${'x'.repeat(900)}</D:responsedescription>`),
      ),
    );
    const { message } = faultOf('x', 403, words, undefined);
    expect(message).toContain('D:need-privileges, no rights xxx');
    expect(message.length).toBeLessThan(400);
  });
});

describe('the body of an error', () => {
  it('names the resource in the way', async () => {
    const body = errorWith('<C:no-uid-conflict><D:href>/cal/b.ics</D:href></C:no-uid-conflict>');
    expect(await readError(once(body))).toMatchObject({ condition: 'C:no-uid-conflict', href: '/cal/b.ics' });
  });

  it.each(['', '<html><p>Sorry', '<D:error xmlns:D="DAV:"><D:', '{"error":1}', '\u0000\u0001'])(
    'may be %j',
    async (body) => {
      const words = await readError(once(body));
      expect(words.condition).toBeUndefined();
      expect(faultOf('x', 500, words, undefined).code).toBe('unavailable');
    },
  );

  it('is read to its end, but not kept', async () => {
    let fed = 0;
    async function* long(): AsyncGenerator<Uint8Array> {
      for (; fed < 1000; fed++) yield Buffer.alloc(1024, 'x');
    }
    const { words = '' } = await readError(long());
    expect(fed).toBe(1000);
    expect(words.length).toBeLessThanOrEqual(200);
  });
});
