import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { parseKeys, readKeys } from './keys.js';

const key = () => randomBytes(32).toString('base64');

it('reads keys in their order, past comments, blank lines and CRLF', () => {
  const [a, b] = [key(), key()];

  const keys = parseKeys(`# first the newest\r\n\r\n2026-08:${a}\r\n old : ${b} \r\n`, 'keys');

  expect(keys.map(({ id, secret }) => [id, secret.toString('base64')])).toEqual([
    ['2026-08', a],
    ['old', b],
  ]);
});

it.each([
  ['', /holds no key/],
  ['# nothing\n', /holds no key/],
  ['k1', /keys:1: a key needs a name/],
  [`a b:${key()}`, /keys:1: a key needs a name/],
  [`\nk1:${randomBytes(16).toString('base64')}`, /keys:2: key k1 is not 32 bytes/],
  [`k1:${key()}x`, /keys:1: key k1 is not 32 bytes/],
  [`k1:${key()}\nk1:${key()}`, /keys:2: key k1 is there twice/],
])('refuses %j without showing it', (text, message) => {
  expect(() => parseKeys(text, 'keys')).toThrow(message);
  const secret = text.split(':')[1];
  if (secret) expect(() => parseKeys(text, 'keys')).not.toThrow(secret);
});

it('names the file that cannot be read', async () => {
  await expect(readKeys('/nowhere/keys')).rejects.toThrow('/nowhere/keys cannot be read (ENOENT)');
});
