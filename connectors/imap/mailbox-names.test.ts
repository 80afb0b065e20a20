import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName, isForeign, pathOf, targetName } from './mailbox-names.js';

const slash = { prefix: '', delimiter: '/', foreign: [] };
const inboxDot = { prefix: 'INBOX.', delimiter: '.', foreign: ['user.', '#shared/'] };

describe('modified UTF-7', () => {
  it.each([
    ['Entwürfe', 'Entw&APw-rfe'],
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['Q&A', 'Q&-A'],
    ['&-', '&--'],
    ['😀', '&2D3eAA-'],
    ['tab\t', 'tab&AAk-'],
  ])('writes %j as %j and back', (text, raw) => {
    expect(encodeName(text)).toBe(raw);
    expect(decodeName(raw)).toBe(text);
  });

  it('brings back every name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodeName(encodeName(text))).toBe(text);
      }),
    );
  });

  it('leaves alone what is none', () => {
    expect(decodeName('a & b')).toBe('a & b');
    expect(decodeName('&A-')).toBe('&A-');
    expect(decodeName(Buffer.from('Größe').toString('latin1'))).toBe('Größe');
  });
});

describe('paths', () => {
  it('takes away the prefix and knows the inbox in any spelling', () => {
    expect(pathOf('inbox', slash)).toEqual(['INBOX']);
    expect(pathOf('Inbox/Sub', slash)).toEqual(['INBOX', 'Sub']);
    expect(pathOf('INBOX.Sent', inboxDot)).toEqual(['Sent']);
    expect(pathOf('a/b.c', inboxDot)).toEqual(['a/b', 'c']);
    expect(pathOf('flat/name', { prefix: '', foreign: [] })).toEqual(['flat/name']);
    expect(pathOf('dir/', slash)).toEqual(['dir']);
  });

  it('knows the folders of others', () => {
    expect(['user.bert', 'user', '#shared/x', 'users', 'INBOX.user'].map((raw) => isForeign(raw, inboxDot))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('names for a target', () => {
  it('joins with prefix and delimiter', () => {
    expect(targetName(['Räume', 'x'], inboxDot)).toEqual({ raw: 'INBOX.R&AOQ-ume.x', notes: [] });
    expect(targetName(['inbox'], inboxDot).raw).toBe('INBOX');
    expect(targetName(['INBOX', 'Sub'], slash)).toEqual({ raw: 'INBOX/Sub', notes: [] });
  });

  it('replaces what cannot be and says so', () => {
    const { raw, notes } = targetName(['a/b', 'tab\t', ''], slash);
    expect(raw).toBe('a_b/tab_/_');
    expect(notes).toEqual([
      'the folder name "a/b" became "a_b"',
      'the folder name "tab\\t" became "tab_"',
      'the folder name "" became "_"',
    ]);
    expect(targetName(['INBOX', 'Sub'], inboxDot).notes.length).toBe(1);
    expect(targetName(['a', 'b'], { prefix: '', foreign: [] }).notes.length).toBe(1);
  });

  it('is cautious when asked', () => {
    expect(targetName([' v1.2  *'], slash, true).raw).toBe('v1_2 _');
    const long = targetName(['ä'.repeat(300)], slash, true).raw;
    expect(long.length).toBeLessThanOrEqual(200);
    expect(long).not.toBe(targetName(['ä'.repeat(301)], slash, true).raw);
  });
});
