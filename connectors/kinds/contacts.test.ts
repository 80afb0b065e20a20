import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { card, oddCards } from '../../tests/conformance/odd-cards.js';
import { foldedLine } from '../formats/icalendar/lines.js';
import { convertCard } from '../formats/vcard/convert.js';
import { contactIdentities, contactModified, contactProblem, digestContact, renewedContact } from './contacts.js';

const vcard = (version: string, ...lines: string[]): Buffer =>
  Buffer.from(`${['BEGIN:VCARD', `VERSION:${version}`, 'UID:a', ...lines, 'END:VCARD'].join('\r\n')}\r\n`);
const v3 = (...lines: string[]): Buffer => vcard('3.0', ...lines);
const v4 = (...lines: string[]): Buffer => vcard('4.0', ...lines);
const odd = (name: string): Buffer => oddCards[name] as Buffer;

describe('digestContact: what does not count', () => {
  it.each<[string, Buffer, Buffer]>([
    ['the version, and bookkeeping', v4('FN:A', 'REV:20260101T000000Z', 'PRODID:x'), v3('FN:A')],
    ['escaping', v3('NOTE:a, b; c\\Nd'), v3('NOTE:a\\, b\\; c\\nd')],
    ['types in one list or several, in any case', v3('TEL;TYPE=WORK,fax:1'), v3('TEL;TYPE=FAX;TYPE=work:1')],
    ['types that are the default', v3('EMAIL;TYPE=INTERNET:a@b', 'TEL;TYPE=VOICE:1'), v3('EMAIL:a@b', 'TEL:1')],
    ['how preference is said', v4('TEL;PREF=1:1'), v3('TEL;TYPE=PREF:1')],
    [
      'a photo of 3.0 and of 4.0',
      v4('PHOTO:data:image/jpeg;base64,/9j/4AAQ'),
      v3('PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ'),
    ],
    [
      'a photo in a data URI with escapes',
      v4('PHOTO:data:image/jpeg\\;base64\\,/9j/4AAQ'),
      v3('PHOTO;ENCODING=b:/9j/4AAQ'),
    ],
    [
      'a photo of 2.1',
      vcard('2.1', 'PHOTO;JPEG;ENCODING=BASE64:', ' /9j/', ' 4AAQ', ''),
      v3('PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ'),
    ],
    [
      'quoted-printable in an older character set',
      vcard('2.1', 'FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=F6rg=', ' M'),
      v3('FN:Jörg M'),
    ],
    [
      'UTF-8 beside the name of the old character set, as Radicale leaves it',
      v3('FN;CHARSET=ISO-8859-1:Jörg'),
      v3('FN:Jörg'),
    ],
    [
      'bytes of an older character set',
      Buffer.from(v3('FN;CHARSET=ISO-8859-15:5 €').toString().replace('€', '\xa4'), 'latin1'),
      v3('FN:5 €'),
    ],
    [
      'empty properties and trailing semicolons',
      v3('FN:A', 'N:A;;;;', 'ORG:B;', 'TEL:', 'ADR:;;;;;;'),
      v3('FN:A', 'N:A', 'ORG:B'),
    ],
    [
      'dates, basic and extended',
      v4('BDAY:19700401', 'ANNIVERSARY:20000101'),
      v3('BDAY;VALUE=date:1970-04-01', 'X-ANNIVERSARY:2000-01-01T00:00:00Z'),
    ],
    ['a date without year, as Apple has it', v4('BDAY:--0229'), v3('BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29')],
    [
      'names of groups',
      v3('item1.TEL:1', 'item1.X-ABLabel:A', 'work.URL:x'),
      v3('item7.TEL:1', 'item7.X-ABLabel:A', 'URL:x'),
    ],
    [
      'kind and members under Apple’s names',
      v4('KIND:group', 'MEMBER:urn:x'),
      v3('X-ADDRESSBOOKSERVER-KIND:group', 'X-ADDRESSBOOKSERVER-MEMBER:urn:x'),
    ],
    ['order of categories', v3('CATEGORIES:A,B'), v3('CATEGORIES:B,A')],
    [
      'telephone numbers and places as URI',
      v4('TEL;VALUE=uri:tel:+49-1', 'GEO:geo:52.5,13.4', 'TZ:-0500'),
      v3('TEL:+49-1', 'GEO:52.5;13.4', 'TZ:-05:00'),
    ],
  ])('%s', (_, one, other) => {
    expect(digestContact(one)).toBe(digestContact(other));
  });
});

describe('digestContact: what counts', () => {
  it.each<[string, Buffer, Buffer]>([
    ['a group taken apart', v3('EMAIL:a@b', 'EMAIL:c@d'), v3('item1.EMAIL:a@b', 'item1.EMAIL:c@d')],
    ['a type lost', v3('TEL:1'), v3('TEL;TYPE=CELL:1')],
    [
      'a label that left its address',
      v3('item1.EMAIL:a@b', 'item2.EMAIL:c@d', 'item2.X-ABLabel:X'),
      v3('item1.EMAIL:a@b', 'item1.X-ABLabel:X', 'item2.EMAIL:c@d'),
    ],
    ['one of two equal addresses lost', v3('EMAIL:a@b'), v3('EMAIL:a@b', 'EMAIL:a@b')],
    ['another photo', v3('PHOTO;ENCODING=b:AAAA'), v3('PHOTO;ENCODING=b:AAAB')],
    ['a photo turned into its address', v3('PHOTO;VALUE=uri:https://x/a.jpg'), v3('PHOTO;ENCODING=b:AAAA')],
    ['nicknames cut at the comma', v3('NICKNAME:A'), v3('NICKNAME:A,B')],
    ['two categories turned into one', v3('CATEGORIES:A\\,B'), v3('CATEGORIES:A,B')],
    ['a part of a name moved', v3('N:A;;B'), v3('N:A;B')],
    ['a structured name lost beside the shown one', v3('FN:A B'), v3('FN:A B', 'N:B;A')],
    ['a birthday’s year lost', v4('BDAY:--0401'), v4('BDAY:19700401')],
    ['the hour of a birthday lost', v4('BDAY:19700401'), v4('BDAY:19700401T233000Z')],
    ['preference lost', v3('TEL:1'), v3('TEL;TYPE=PREF:1')],
    ['a spelling of another Unicode form', v3('FN:Cafe\u0301'), v3('FN:Café')],
    ['a language lost', v4('FN:A'), v4('FN;LANGUAGE=ja:A')],
    ['a line that is none', v3('FN:A', 'lost words'), v3('FN:A')],
    ['a second card', Buffer.concat([card(1), card(2)]), card(1)],
    ['private turned into public', v3('FN:A', 'CLASS:PUBLIC'), v3('FN:A', 'CLASS:PRIVATE')],
  ])('%s', (_, one, other) => {
    expect(digestContact(one)).not.toBe(digestContact(other));
  });

  it('tells all the odd ones apart', () => {
    const digests = Object.values(oddCards).map(digestContact);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

/** Letters that no line needs escaped, so that each value is one text. */
const text = fc.string({ minLength: 1, unit: 'grapheme' }).map((value) => value.replace(/[\\,;\p{Cc}]/gu, '_'));
const someLine = fc.oneof(
  fc
    .tuple(fc.constantFrom('NOTE', 'TITLE', 'X-THING', 'ROLE', 'item1.X-ABLabel', 'NICKNAME'), text)
    .map(([name, value]) => `${name}:${value}x`),
  fc.tuple(fc.constantFrom('CELL', 'HOME,FAX', 'WORK'), fc.nat()).map(([type, n]) => `TEL;TYPE=${type}:${n}`),
  fc.emailAddress().map((address) => `EMAIL;X-CN="Doe, ${address.length}":${address}`),
  fc.tuple(text, text).map(([city, street]) => `ADR:;;${street}x;${city}x;;;`),
  fc
    .uint8Array({ minLength: 60, maxLength: 90 })
    .map((bytes) => `PHOTO;ENCODING=b;TYPE=JPEG:${Buffer.from(bytes).toString('base64')}`),
);

describe('digestContact: properties', () => {
  it('is the same for every order, folding and spelling of names', () => {
    fc.assert(
      fc.property(fc.array(someLine, { minLength: 1, maxLength: 8 }), fc.boolean(), (lines, unix) => {
        const rewritten = [...lines].reverse().map((line) => {
          const folded = foldedLine(Buffer.from(line).toString('latin1')).replaceAll('\r\n ', '\r\n\t');
          return Buffer.from(folded, 'latin1')
            .toString()
            .replace(/^[A-Z-]+(?=[;:])/, (name) => name.toLowerCase());
        });
        const other = v3(...rewritten).toString();
        expect(digestContact(Buffer.from(unix ? other.replaceAll('\r\n', '\n').trimEnd() : other))).toBe(
          digestContact(v3(...lines)),
        );
      }),
    );
  });

  it('changes with each line that is lost', () => {
    fc.assert(
      fc.property(fc.array(someLine, { minLength: 1, maxLength: 6 }), fc.nat(), (lines, at) => {
        const without = lines.filter((_, index) => index !== at % lines.length);
        expect(digestContact(v3(...without))).not.toBe(digestContact(v3(...lines)));
      }),
    );
  });

  it('stays with every conversion that loses nothing', () => {
    fc.assert(
      fc.property(fc.array(someLine, { minLength: 1, maxLength: 6 }), (lines) => {
        const there = convertCard(v3('N:A', 'FN:A', ...lines), '4.0');
        expect(there.notes).toBeUndefined();
        expect(digestContact(there.body)).toBe(digestContact(v3('N:A', 'FN:A', ...lines)));
        expect(digestContact(convertCard(there.body, '3.0').body)).toBe(digestContact(there.body));
      }),
    );
  });

  it('never throws, and tells bytes apart that are no card', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), (bytes, begun) => {
        const body = Buffer.concat([Buffer.from(begun ? 'BEGIN:VCARD\r\n' : ''), bytes]);
        expect(digestContact(body)).toMatch(/^02[0-9a-f]{64}$/);
      }),
    );
    expect(digestContact(Buffer.from('one'))).not.toBe(digestContact(Buffer.from('two')));
  });

  it('takes less than 0.2 ms of processor time for a body', () => {
    const bodies = Array.from({ length: 5000 }, (_, n) => card(n));
    const before = process.cpuUsage();
    for (const body of bodies) digestContact(body);
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});

describe('identities', () => {
  it.each<[string, string, string]>([
    ['email', 'EMAIL: Anna+x@Bücher.Example ', 'email:anna+x@xn--bcher-kva.example'],
    ['email', 'EMAIL:mailto:A@B.example', 'email:a@b.example'],
    ['email', 'EMAIL;TYPE=INTERNET:not an address', 'email:not an address'],
    ['phone', 'TEL:+49 (0) 30 / 12-34', 'phone:+49301234'],
    ['phone', 'TEL:0049 30 1234', 'phone:+49301234'],
    ['phone', 'TEL;VALUE=uri:tel:+49-30-1234\\;ext=5', 'phone:+49301234'],
    ['phone', 'TEL:030 1234', 'phone:0301234'],
    ['name', 'FN:  Anna \t WEBER', 'name:anna weber'],
    ['name', 'N:Weber;Cafe\u0301;;;', 'name:caf\u00e9 weber'],
    ['X-Number', 'X-NUMBER: 0815 ', 'X-Number:0815'],
  ])('%s of %s', (word, line, wanted) => {
    expect(contactIdentities(v3(line), [word])).toEqual([wanted]);
  });

  it('keeps the order of what is asked for, without repeats', () => {
    const body = odd('3.0 the same value twice');
    expect(contactIdentities(body, ['email', 'uid', 'phone'])).toEqual([
      'email:said@odd.example',
      'uid:twice@odd.example',
      'phone:1',
    ]);
    expect(contactIdentities(odd('2.1 quoted-printable in several lines'), ['name'])).toEqual(['name:jürgen müller']);
    expect(contactIdentities(odd('3.0 no e-mail address'), ['email'])).toEqual([]);
  });
});

describe('time and renewal', () => {
  it.each([
    ['20260105T080000Z', Date.UTC(2026, 0, 5, 8)],
    ['2026-01-05T08:00:00Z', Date.UTC(2026, 0, 5, 8)],
    ['2026-01-05T08:00:00.123+02:00', Date.UTC(2026, 0, 5, 6)],
    ['20260105T080000-0530', Date.UTC(2026, 0, 5, 13, 30)],
    ['2026-01-05', Date.UTC(2026, 0, 5)],
  ])('reads REV:%s', (rev, wanted) => {
    expect(contactModified(v3(`REV:${rev}`))).toBe(wanted);
  });

  it('knows no time without REV, or with one of words', () => {
    expect(contactModified(v3('FN:A'))).toBeUndefined();
    expect(contactModified(v3('REV:yesterday'))).toBeUndefined();
  });

  it('renews the UID, and only of the card itself', () => {
    const renewed = renewedContact(odd('3.0 plain'));
    expect(contactIdentities(renewed, ['uid'])).toEqual([`uid:${digestContact(odd('3.0 plain')).slice(0, 32)}`]);
    expect(renewed.toString().replace(/^UID:.*$/m, 'UID:plain@odd.example')).toBe(odd('3.0 plain').toString());
    expect(contactIdentities(renewedContact(Buffer.from('BEGIN:VCARD\nFN:A\nEND:VCARD')), ['uid'])).toHaveLength(1);
  });
});

describe('contactProblem', () => {
  it('finds none in the odd ones', () => {
    for (const [name, body] of Object.entries(oddCards))
      expect([name, contactProblem(body)]).toEqual([name, undefined]);
  });

  it.each<[string, Buffer, RegExp]>([
    ['no card', Buffer.from('hello'), /no vCard/],
    ['a version nobody knows', vcard('9.1', 'FN:A'), /VERSION/],
    ['nothing inside', v3('N:;;;;', 'FN: '), /holds nothing/],
  ])('tells of %s', (_, body, reason) => {
    expect(contactProblem(body)).toMatch(reason);
  });
});
