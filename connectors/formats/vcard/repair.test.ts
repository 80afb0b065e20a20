/** Cards as phones, old exports and hasty programs write them, and what is made of them before a server sees them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestContact } from '../../kinds/contacts.js';
import { convertCard } from './convert.js';
import { repaired } from './repair.js';

const card = (version: string, ...lines: string[]): string =>
  `${['BEGIN:VCARD', `VERSION:${version}`, 'UID:a', 'FN:A', 'N:A', ...lines, 'END:VCARD'].join('\r\n')}\r\n`;
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const mended = (body: Buffer | string): string => repaired(Buffer.from(body)).body.toString();
const lineIn = (text: string, name: string): string | undefined =>
  text
    .replaceAll('\r\n ', '')
    .split('\r\n')
    .find((line) => line.startsWith(name));

describe('a line that lost its fold', () => {
  it.each([
    [
      'goes on where an address was broken off',
      ['ADR;TYPE=WORK:;;2 Main Street;Mountain ', 'View;CA;94040;USA'],
      'ADR;TYPE=WORK:;;2 Main Street;Mountain View;CA;94040;USA',
    ],
    [
      'has a blank before it where an address was not',
      ['ADR:;;2 Main Street;Mountain', 'View;CA;94040;USA'],
      'ADR:;;2 Main Street;Mountain View;CA;94040;USA',
    ],
    [
      'is a line of a note, whatever is in it',
      ['NOTE:Bring along', 'tools; and a ladder'],
      'NOTE:Bring along\\ntools\\; and a ladder',
    ],
    [
      'is a line of a note with an address in it',
      ['NOTE:See', 'https://x.example/a,b'],
      'NOTE:See\\nhttps://x.example/a\\,b',
    ],
    [
      'is a line of a note with a colon in it',
      ['NOTE:Bring along', 'tools; and see: the ladder'],
      'NOTE:Bring along\\ntools\\; and see: the ladder',
    ],
    [
      'belongs to an address on the web without a line end',
      ['URL:https://x.example/', 'a;b'],
      'URL:https://x.example/a;b',
    ],
  ])('%s', (_, lines, wanted) => {
    const { body, notes } = repaired(Buffer.from(card('3.0', ...lines)));

    expect(lineIn(body.toString(), wanted.split(/[:;]/)[0] as string)).toBe(wanted);
    expect(notes).toEqual([expect.stringMatching(/had lost its fold was joined to (?:ADR|NOTE|URL)/)]);
  });

  it('of 2.1 is joined in the words of 2.1', () => {
    const text = mended(card('2.1', 'NOTE:Bring along', 'tools; and a ladder'));

    expect(text.replace('=\r\n', '')).toContain(
      'NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Bring along=0Atools; and a ladder\r\n',
    );
    expect(convertCard(Buffer.from(text), '3.0').body.toString()).toContain(
      'NOTE:Bring along\\ntools\\; and a ladder\r\n',
    );
  });

  it('is never left out, whatever it is', () => {
    const words = fc
      .string({ unit: fc.constantFrom(...'ab ;,.=é"'), minLength: 1, maxLength: 12 })
      .filter((text) => /[ab]/.test(text) && !/^[ \t]/.test(text));
    fc.assert(
      fc.property(
        fc.constantFrom('2.1', '3.0', '4.0'),
        fc.constantFrom('NOTE:x', 'ADR:;;x', 'TITLE:x'),
        words,
        (version, line, lost) => {
          const { body } = convertCard(repaired(Buffer.from(card(version, line, lost))).body, '3.0');
          const letters = (text: string): string => text.replace(/[^ab]/g, '');
          expect(letters(lineIn(body.toString(), line.slice(0, 3)) ?? '')).toContain(letters(lost));
        },
      ),
    );
  });
});

describe('what only 2.1 knows, in a card of 3.0', () => {
  it.each<[string, string | Buffer, string]>([
    ['a character set', latin(card('3.0', 'TITLE;CHARSET=ISO-8859-1:J\xf6rg')), 'TITLE:Jörg'],
    ['Windows’ character set', latin(card('3.0', 'TITLE;CHARSET=windows-1252:1 \x80')), 'TITLE:1 €'],
    ['a Japanese character set', latin(card('3.0', 'TITLE;CHARSET=Shift_JIS:\x92\x52\x93\x63')), 'TITLE:坦田'],
    ['quoted-printable', card('3.0', 'TITLE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=96=6D=C3=BC=72'), 'TITLE:Ömür'],
    [
      'quoted-printable in several lines',
      card(
        '3.0',
        'ADR;HOME;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;;=42=6F=72 =32=2E=20=',
        '=74=76=2E;=4B=C3=B8=62;;=32=34;',
      ),
      'ADR;TYPE=HOME:;;Bor 2. tv.;Købb;;24;'.replace('Købb', 'Køb'),
    ],
    ['line ends in quoted-printable', card('3.0', 'NOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab'), 'NOTE:a\\nb'],
    ['a type without its name', card('3.0', 'TEL;CELL:1'), 'TEL;TYPE=CELL:1'],
    ['base64', card('3.0', 'PHOTO;ENCODING=BASE64;TYPE=JPEG:/9j/4AAQ'), 'PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ'],
    [
      'base64 in blocks',
      card('3.0', 'PHOTO;ENCODING=BASE64;TYPE=JPEG:/9j/', '4AAQ', ''),
      'PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ',
    ],
  ])('%s is written as 3.0 has it, without a note', (_, written, wanted) => {
    const { body, notes } = repaired(Buffer.from(written));

    expect(lineIn(body.toString(), wanted.split(/[:;]/)[0] as string)).toBe(wanted);
    expect(notes).toBeUndefined();
    expect(digestContact(body)).toBe(digestContact(Buffer.from(written)));
    expect(repaired(body).body).toBe(body);
  });
});

describe('characters that XML has no form for', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const FORMLESS = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
  it.each<[string, string | Buffer, string]>([
    ['beside a character set', card('3.0', 'TITLE;CHARSET=UTF-8:Con\x10trol'), 'TITLE:Control'],
    ['in a text', card('3.0', 'TITLE:form\x0cfeed'), 'TITLE:formfeed'],
    ['of Unicode', card('3.0', 'TITLE:Non\ufffechar\uffff'), 'TITLE:Nonchar'],
    ['of Unicode, folded', latin(card('3.0', 'TITLE:Non\xef\xbf\r\n \xbechar')), 'TITLE:Nonchar'],
    ['in a parameter', card('3.0', 'TITLE;X-P=a\x01b:c'), 'TITLE;X-P=ab:c'],
    ['in quoted-printable of 3.0', card('3.0', 'TITLE;ENCODING=QUOTED-PRINTABLE:a=0Cb=EF=BF=BE'), 'TITLE:ab'],
    [
      'in quoted-printable of 2.1',
      card('2.1', 'TITLE;ENCODING=QUOTED-PRINTABLE:a=0Cb=10c=00d=1A'),
      'TITLE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:abcd',
    ],
  ])('%s are taken out, with a note', (_, written, wanted) => {
    const { body, notes } = repaired(Buffer.from(written));

    expect(lineIn(body.toString(), 'TITLE')).toBe(wanted);
    expect(notes).toEqual([expect.stringContaining('control characters')]);
    expect(repaired(body).body).toBe(body);
  });

  it('are in no card that a server gets, whatever it was', () => {
    const texts = fc.string({
      unit: fc.constantFrom('a', '\x00', '\x1b', '\x7f', '\ufffe', '\uffff', '=0C', '=00', '\\', ';', 'é', '\x85'),
    });
    const heads = fc.constantFrom(
      'NOTE:',
      'NOTE;CHARSET=UTF-8:',
      'NOTE;ENCODING=QUOTED-PRINTABLE:',
      'NOTE;CHARSET=ISO-2022-JP:',
      'X-A;P=',
    );
    fc.assert(
      fc.property(fc.constantFrom('2.1', '3.0', '4.0'), heads, texts, (version, head, text) => {
        for (const to of ['3.0', '4.0'] as const)
          expect(
            convertCard(repaired(Buffer.from(card(version, `${head}${text}`))).body, to).body.toString(),
          ).not.toMatch(FORMLESS);
      }),
      { numRuns: 500 },
    );
  });

  it('leave the escapes of a Japanese character set where they are', () => {
    expect(lineIn(mended(latin(card('3.0', 'TITLE;CHARSET=ISO-2022-JP:\x1b$B;3ED\x1b(B'))), 'TITLE')).toBe(
      'TITLE:山田',
    );
  });
});

describe('a card of 2.1', () => {
  it('keeps its commas and backslashes as they are', () => {
    const text = card('2.1', 'ORG:Company, The;Dept', 'NOTE:C:\\new, and more');

    expect(mended(text)).toBe(text);
    expect(mended(text.replace('UID:a\r\n', ''))).toContain('\r\nORG:Company, The;Dept\r\nNOTE:C:\\new, and more\r\n');
  });
});

describe('line ends', () => {
  it.each(['\r', '\n', '\r\r\n'])('%j become CRLF, and say nothing', (end) => {
    const text = card('3.0', 'NOTE:a', ' b');

    expect(repaired(Buffer.from(text.replaceAll('\r\n', end)))).toEqual({ body: Buffer.from(text) });
  });
});

it('repairing twice is repairing once, whatever it was', () => {
  const lines = fc.constantFrom(
    'VERSION:2.1',
    'VERSION:3.0',
    'VERSION:4.0',
    'N:A;B',
    'FN;CHARSET=ISO-8859-1:\xf6',
    'NOTE;QUOTED-PRINTABLE:a=0C=',
    'b',
    'TEL;CELL:1',
    'words; and more',
    'ADR:;;x ',
    'y;z',
    'PHOTO;BASE64:AAAA',
    ' AAAA',
    'NOTE:\xef\xbf\xbe',
    'X\x01:\xff',
    'UID:',
    'https://x/',
    '',
    'AGENT:',
    'BEGIN:VCARD',
    'END:VCARD',
    '\t',
    'ORG:a,b;c',
    'NOTE;CHARSET=Shift_JIS:\x92\\',
    'a.B.c;=;"x:y',
  );
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 12 }), fc.constantFrom('\n', '\r\n', '\r'), (chosen, end) => {
      const body = latin(['BEGIN:VCARD', ...chosen, 'END:VCARD', ''].join(end));
      const once = repaired(body).body;
      const twice = repaired(once);
      expect(twice.body.toString('latin1')).toBe(once.toString('latin1'));
      expect(twice.notes).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
});
