/** The small forms on the wire: dates, sets, strings, messages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestMail } from '../kinds/mail.js';
import { astring, isSendableFlag } from './command.js';
import { keptFlags } from './flags.js';
import { fromInternalDate, toInternalDate } from './internal-date.js';
import { messageLiteral } from './message-literal.js';
import { expandSet, uidSet } from './sequence-set.js';

describe('internal dates', () => {
  it('keeps second and zone both ways', () => {
    expect(fromInternalDate(' 1-Mar-2019 10:22:03 +0530')).toBe('2019-03-01T10:22:03+05:30');
    expect(toInternalDate('2019-03-01T10:22:03-03:30')).toBe('01-Mar-2019 10:22:03 -0330');
    expect(toInternalDate('2019-03-01T10:22:03.123Z')).toBe('01-Mar-2019 10:22:03 +0000');
  });

  it('says nothing for what is no date', () => {
    expect(fromInternalDate('00-Jan-0000 00:00:00 +0000')).toBeUndefined();
    expect(fromInternalDate('32-Foo-2019 10:22:03 +0000')).toBeUndefined();
    expect(toInternalDate('yesterday')).toBeUndefined();
  });
});

describe('sets of UIDs', () => {
  it('writes runs as ranges, and reads back what it wrote', () => {
    expect(uidSet([1, 2, 3, 5, 9, 10])).toBe('1:3,5,9:10');
    const ascending = fc.uniqueArray(fc.integer({ min: 1, max: 300 })).map((uids) => uids.sort((a, b) => a - b));
    fc.assert(
      fc.property(ascending, (uids) => {
        expect(uids.length === 0 ? [] : expandSet(uidSet(uids), 300)).toEqual(uids);
      }),
    );
  });

  it('reads the sets of APPENDUID as servers send them', () => {
    expect(expandSet('4:9,12', 7)).toEqual([4, 5, 6, 7, 8, 9, 12]);
    expect(expandSet('12:10', 3)).toEqual([10, 11, 12]);
  });

  it('reads no more of a set than the caller has sent, and one', () => {
    expect(expandSet('1:4294967295', 2)).toEqual([1, 2, 3]);
  });
});

describe('strings', () => {
  it('quotes only what must be, and sends bytes beyond ASCII as literals', () => {
    expect(astring('INBOX')).toBe('INBOX');
    expect(astring('NIL')).toBe('"NIL"');
    expect(astring('a "b" \\c')).toBe('"a \\"b\\" \\\\c"');
    expect(astring('')).toBe('""');
    expect(astring('\xfc\r\nD9 DELETE x')).toEqual({ literal: Buffer.from('\xfc\r\nD9 DELETE x', 'latin1') });
  });

  it('lets no keyword break out of its command', () => {
    const odd = ['two words', 'brace{', 'a)b', 'a\r\nb', 'ü', '', '\\', '\\a b', '*'];
    expect(odd.filter(isSendableFlag)).toEqual([]);
    expect(['$Forwarded', '\\Seen', 'Project-X', 'a[b'].every(isSendableFlag)).toBe(true);
  });
});

describe('flags a folder keeps', () => {
  const folder = { name: 'x', validity: '1', exists: 0, readOnly: false };

  it('keeps what PERMANENTFLAGS allows, in any case, and notes the rest', () => {
    const flags = ['\\seen', 'Old', 'New'];
    expect(keptFlags(flags, { ...folder, permanentFlags: new Set(['\\Seen', 'old']) })).toEqual({
      kept: ['Old', '\\seen'],
      notes: ['the target does not keep New in this folder; it was left out'],
    });
    expect(keptFlags(flags, { ...folder, permanentFlags: new Set(['\\Seen', '\\*']) }).kept).toEqual([
      'New',
      'Old',
      '\\seen',
    ]);
    expect(keptFlags(flags, folder).kept.length).toBe(3);
  });
});

describe('messages as literals', () => {
  const text = (bytes: Buffer) => bytes.toString('latin1');

  it('makes bare line feeds CRLF and leaves the rest', () => {
    expect(text(messageLiteral(Buffer.from('a\nb\r\n\r\r\nc\rd\n'), true).bytes)).toBe('a\r\nb\r\n\r\r\nc\rd\r\n');
    const same = Buffer.from('a\r\nb\r\n');
    expect(messageLiteral(same, true).bytes).toBe(same);
  });

  it('sends NUL as it is where the server can, else as 0x80 with a note', () => {
    const nul = Buffer.from('a\0b\r\n');
    expect(messageLiteral(nul, true)).toEqual({ bytes: nul, binary: true, notes: [] });
    const replaced = messageLiteral(nul, false);
    expect([text(replaced.bytes), replaced.binary, replaced.notes.length]).toEqual(['a\x80b\r\n', false, 1]);
    expect(messageLiteral(Buffer.from('Content-Transfer-Encoding: binary\r\n\r\n\0'), true).binary).toBe(false);
  });

  it('never makes an empty literal, nor another message', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 10, 13, 97, 200), { maxLength: 30 }), fc.boolean(), (bytes, binary) => {
        const message = Buffer.from(bytes);
        const literal = messageLiteral(message, binary).bytes;
        expect(literal.length).toBeGreaterThan(0);
        expect(digestMail(literal)).toBe(digestMail(message));
      }),
    );
  });
});
