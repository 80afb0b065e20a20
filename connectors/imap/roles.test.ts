import { describe, expect, it } from 'vitest';
import { assignRoles } from './roles.js';

function roles(...folders: [path: string, ...attributes: string[]][]): Record<string, string> {
  const bearers = folders.map(([path, ...attributes]) => ({ path: path.split('/'), attributes: new Set(attributes) }));
  return Object.fromEntries([...assignRoles(bearers)].map(([{ path }, role]) => [path.join('/'), role]));
}

describe('roles of folders', () => {
  it('takes SPECIAL-USE before names', () => {
    expect(roles(['INBOX'], ['Sent'], ['Verschickt', '\\SENT'], ['Trash'])).toEqual({
      INBOX: 'inbox',
      Verschickt: 'sent',
      Trash: 'trash',
    });
  });

  it('knows names in many languages, composed or not', () => {
    expect(roles(['Entwürfe'.normalize('NFD')], ['Éléments envoyés'], ['Корзина'], ['迷惑メール'], ['Arkiv'])).toEqual({
      [`${'Entwürfe'.normalize('NFD')}`]: 'drafts',
      'Éléments envoyés': 'sent',
      Корзина: 'trash',
      迷惑メール: 'junk',
      Arkiv: 'archive',
    });
  });

  it('gives a role once, to the better name', () => {
    expect(roles(['Sent Items'], ['Sent'])).toEqual({ Sent: 'sent' });
  });

  it('looks below the inbox and below [Gmail], and no deeper', () => {
    expect(roles(['INBOX/Drafts'], ['[Gmail]/Trash'], ['Projects/Sent'], ['INBOX/x/Junk'])).toEqual({
      'INBOX/Drafts': 'drafts',
      '[Gmail]/Trash': 'trash',
    });
  });
});
