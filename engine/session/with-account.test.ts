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

test('each account may have a file of its own, and no account leads to another', () => {
  const secret = { auth: { username: '{account}', password: { file: '/run/secrets/old/{account}' } } };
  expect(withAccount(secret, 'anna@old.example')).toEqual({
    auth: { username: 'anna@old.example', password: { file: '/run/secrets/old/anna@old.example' } },
  });
  for (const account of ['../new-master', '..', 'x/../../../etc/shadow'])
    expect(() => withAccount(secret, account)).toThrow('would lead out of /run/secrets/old/{account}');
  expect(() => withAccount({ path: '/srv/mail/{account}/Maildir' }, '../bela')).toThrow('would lead out of');
  expect(() => withAccount({ password: { file: '{account}' } }, '../bela')).toThrow('would lead out of');
  // A name is none of a file.
  expect(withAccount({ username: '{account}' }, '..')).toEqual({ username: '..' });
});
