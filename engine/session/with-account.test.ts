import { expect, test } from 'vitest';
import { withAccount } from './with-account.js';

const options = { url: 'https://dav.example.org/users/{account}/', auth: { username: '{account}*master' }, port: 1 };

test('an account stands for itself in texts, and is encoded in URLs', () => {
  expect(withAccount(options, 'anna@example.org')).toEqual({
    url: 'https://dav.example.org/users/anna@example.org/',
    auth: { username: 'anna@example.org*master' },
    port: 1,
  });
  expect(withAccount(options, 'anna_ext#EXT#@t 100%$&')).toEqual({
    url: 'https://dav.example.org/users/anna_ext%23EXT%23@t%20100%25%24%26/',
    auth: { username: 'anna_ext#EXT#@t 100%$&*master' },
    port: 1,
  });
  expect(withAccount(options, 'teams/a').url).toBe('https://dav.example.org/users/teams/a/');
});

test('an account that would lead elsewhere is refused', () => {
  expect(() => withAccount(options, 'a/../../admin')).toThrow('would lead out of https://dav.example.org');
});
