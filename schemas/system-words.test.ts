import { expect, it } from 'vitest';
import { systemWords } from './system-words.js';

it.each([
  [{ host: 'imap.old.example', port: 993 }, 'old (imap.old.example)'],
  [{ url: 'https://me:pw@dav.new.example:8443/{account}/x' }, 'old (dav.new.example:8443)'],
  [{ url: 'new.example' }, 'old (new.example)'],
  [{ url: 'me:pw@new.example' }, 'old'],
  [{ path: '/srv/mail/{account}' }, 'old (/srv/mail/{account})'],
  [{ name: 'store' }, 'old'],
])('a system with %j is called %s', (options, words) => {
  expect(systemWords('old', { type: 'x', options })).toBe(words);
});
