/** Digest logins, by the examples of RFC 7616 and RFC 2617. */
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import type { Challenge } from './digest.js';
import { answerTo, challengeIn } from './digest.js';

const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
const told = (algorithm: string) =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${NONCE}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
const login = { username: 'Mufasa', password: 'Circle of Life' };

describe('an answer', () => {
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('is that of RFC 7616, 3.9.1: %s', (algorithm, response) => {
    const challenge = challengeIn(told(algorithm)) as Challenge;
    const answer = answerTo(challenge, login, 'GET', '/dir/index.html', 1, CNONCE);
    expect(answer).toContain(`response="${response}"`);
    expect(answer).toContain('nc=00000001');
    expect(answer).toMatch(/^Digest username="Mufasa", realm="http-auth@example.org"/);
  });

  it('is that of RFC 2069 where the server knows no qop', () => {
    const challenge = challengeIn(
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    ) as Challenge;
    const answer = answerTo(challenge, { username: 'Mufasa', password: 'CircleOfLife' }, 'GET', '/dir/index.html', 1);
    expect(answer).toContain('response="1949323746fe6a43ef61f9606e7febea"');
    expect(answer).not.toContain('nc=');
  });
});

describe('a challenge', () => {
  it('is found among others', () => {
    const header = `Basic realm="a, Digest b", Negotiate, Bearer scope="x", ${told('SHA-256')}, ${told('MD5')}`;
    expect(challengeIn(header)).toMatchObject({ nonce: NONCE, hash: 'sha256', qop: true, stale: false });
    expect(challengeIn(`${told('SHA-512-256-sess')}, stale=TRUE`)).toMatchObject({
      hash: 'sha512-256',
      session: true,
      stale: true,
    });
  });

  it.each([
    undefined,
    '',
    'Basic realm="a"',
    'Negotiate',
    'Digest realm="a"',
    'Digest realm="a", nonce="b", algorithm=ROT13',
    'Digest realm="a", nonce="b", qop="auth-int"',
  ])('is none, or cannot be met: %s', (header) => {
    expect(challengeIn(header)).toBeUndefined();
  });

  it('holds nobody up, whatever it is', () => {
    const begin = performance.now();
    for (const part of ['"', '\\', 'a=', 'a="\\', 'Digest ', ', ', 'a = "b"', '='.repeat(9)]) {
      challengeIn(`Digest ${part.repeat(1_000_000 / part.length)}`);
    }
    expect(performance.now() - begin).toBeLessThan(500);
  });
});
