/** What folders are for, by their names alone: Maildir, mbox, and IMAP servers without SPECIAL-USE. */
import { expect, it } from 'vitest';
import { rolesByName } from './folder-roles.js';

const rolesOf = (...paths: string[]): Record<string, string> =>
  Object.fromEntries(
    [...rolesByName(paths.map((path) => path.split('/')))].map(([path, role]) => [JSON.parse(path).join('/'), role]),
  );

it.each([
  ['Papierkorb', 'trash'],
  ['Corbeille', 'trash'],
  ['ゴミ箱', 'trash'],
  ['INBOX/Trash', 'trash'],
  ['[Gmail]/Spam', 'junk'],
  ['Spamverdacht', 'junk'],
  ['Nevyžádaná pošta'.normalize('NFD'), 'junk'],
  ['Gesendete Elemente', 'sent'],
  ['INBOX', 'inbox'],
])('%s is for %s', (path, role) => {
  expect(rolesOf(path)).toEqual({ [path]: role });
});

it('gives each role once, to the preferred name, and none to what lies deeper', () => {
  expect(rolesOf('Papierkorb', 'Trash', 'Projects/Trash', 'Spam', 'Junk')).toEqual({ Trash: 'trash', Junk: 'junk' });
});
