import { describe, expect, test } from 'vitest';
import { cleanFor } from './redact-server-text.js';

const login = Buffer.from('anna:geheim-4711').toString('base64');
const secrets = new Set(['geheim-4711', login]);
const request = (method: string, body?: Buffer | AsyncIterable<Uint8Array>) => ({
  method,
  path: '/a',
  ...(body !== undefined && { body }),
});

describe('words of a server', () => {
  test('become one line', () => {
    expect(cleanFor(request('MOVE'), secrets)('  locked \n by another\tone ', true)).toBe('locked by another one');
    expect(cleanFor(request('MOVE'), secrets)(' \n ', true)).toBeUndefined();
  });

  test('lose secrets and addresses, in any spelling, before they are cut', () => {
    const clean = cleanFor(request('PROPFIND'), secrets);
    expect(clean(`Basic ${login} of anna@example.org: geheim-4711`, true)).toBe(
      'Basic <secret> of <address>: <secret>',
    );
    // The cut would go through the middle of it.
    expect(clean(`${'x'.repeat(195)}geheim-4711`, true)).not.toContain('gehei');
  });

  test('lose what they quote of the content that was sent', () => {
    const clean = cleanFor(request('PUT', Buffer.from('Dear Bob, the merger is off. Yours, Anna')), secrets);
    expect(clean('virus in "the merger is off" found', false)).toBe('virus in "<content>" found');
    expect(clean('file is locked', false)).toBe('file is locked');
  });

  test('are not repeated where nothing tells whether they are content', () => {
    async function* stream(): AsyncGenerator<Uint8Array> {}
    expect(cleanFor(request('GET'), secrets)('Dear Bob', true)).toBeUndefined();
    expect(cleanFor(request('PUT', Buffer.from('x')), secrets)('anything', true)).toBeUndefined();
    expect(cleanFor(request('PUT', stream()), secrets)('anything', false)).toBeUndefined();
  });
});
