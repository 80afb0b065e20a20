import { describe, expect, it } from 'vitest';
import { oddCards } from '../../../tests/conformance/odd-cards.js';
import { digestContact } from '../../kinds/contacts.js';
import { parseCard } from './card.js';
import { convertCard } from './convert.js';
import { repaired } from './repair.js';

const odd = (name: string): Buffer => oddCards[name] as Buffer;
const vcard = (version: string, ...lines: string[]): Buffer =>
  Buffer.from(
    `${['BEGIN:VCARD', `VERSION:${version}`, 'UID:a', 'N:A', 'FN:A', ...lines, 'END:VCARD'].join('\r\n')}\r\n`,
  );
const lineOf = (body: Buffer, name: string): string | undefined =>
  body
    .toString()
    .replaceAll('\r\n ', '')
    .split('\r\n')
    .find((line) => new RegExp(`^(?:\\w+\\.)?${name}[;:]`).test(line));

describe('convertCard', () => {
  it.each<[string, string]>([
    ['PHOTO;ENCODING=b;TYPE=JPEG:/9j/4A==', 'PHOTO:data:image/jpeg;base64,/9j/4A=='],
    ['PHOTO;VALUE=uri:https://x/a;b,c.jpg', 'PHOTO:https://x/a;b,c.jpg'],
    ['KEY;ENCODING=b;TYPE=PGP:AAAA', 'KEY:data:application/pgp-keys;base64,AAAA'],
    ['item1.TEL;TYPE=CELL,PREF:1', 'item1.TEL;TYPE=CELL;PREF=1:1'],
    ['BDAY;VALUE=date:1970-04-01', 'BDAY:19700401'],
    ['BDAY;X-APPLE-OMIT-YEAR=1604;VALUE=date:1604-02-29', 'BDAY:--0229'],
    ['GEO:37.38;-122.08', 'GEO:geo:37.38,-122.08'],
    ['TZ:-05:00', 'TZ;VALUE=utc-offset:-0500'],
    ['X-ADDRESSBOOKSERVER-MEMBER:urn:x', 'MEMBER:urn:x'],
    ['CLASS:PRIVATE', 'X-CLASS:PRIVATE'],
    ['REV:2026-01-05T08:00:00Z', 'REV:20260105T080000Z'],
    ['AGENT:BEGIN:VCARD\\nEND:VCARD', 'RELATED;TYPE=agent;VALUE=text:BEGIN:VCARD\\nEND:VCARD'],
    ['item1.X-ABLabel:_$!<HomePage>!$_', 'item1.X-ABLABEL:_$!<HomePage>!$_'],
  ])('turns %s of 3.0 into %s of 4.0', (from, to) => {
    const name = /^(?:\w+\.)?([\w-]+)/.exec(to)?.[1] as string;
    const { body, notes } = convertCard(vcard('3.0', from), '4.0');
    expect(lineOf(body, name)).toBe(to);
    expect(notes).toBeUndefined();
  });

  it.each<[string, string]>([
    ['PHOTO:data:image/jpeg;base64,/9j/4A==', 'PHOTO;ENCODING=b;TYPE=JPEG:/9j/4A=='],
    ['LOGO;MEDIATYPE=image/png:https://x/a.png', 'LOGO;VALUE=uri;TYPE=PNG:https://x/a.png'],
    ['TEL;VALUE=uri;PREF=1;TYPE="voice,cell":tel:+49-1;ext=5', 'TEL;TYPE=voice,cell,PREF:+49-1\\;ext=5'],
    ['BDAY:19700401', 'BDAY:1970-04-01'],
    ['BDAY:--0229', 'BDAY;X-APPLE-OMIT-YEAR=1604;VALUE=date:1604-02-29'],
    ['BDAY:1970-04', 'BDAY;VALUE=text:1970-04'],
    ['ANNIVERSARY:20000101', 'X-ANNIVERSARY:2000-01-01'],
    ['KIND:group', 'X-ADDRESSBOOKSERVER-KIND:group'],
    ['RELATED;TYPE=agent;VALUE=text:BEGIN:VCARD\\nEND:VCARD', 'AGENT:BEGIN:VCARD\\nEND:VCARD'],
    ['ADR;LABEL="Street 1^nTown, ^\'C^\'";TYPE=home:;;Street 1;Town;;;', 'LABEL;TYPE=home:Street 1\\nTown\\, "C"'],
  ])('turns %s of 4.0 into %s of 3.0', (from, to) => {
    const name = /^(?:\w+\.)?([\w-]+)/.exec(to)?.[1] as string;
    const { body, notes } = convertCard(vcard('4.0', from), '3.0');
    expect(lineOf(body, name)).toBe(to);
    expect(notes).toBeUndefined();
  });

  it.each<[string, Buffer, '3.0' | '4.0', RegExp]>([
    ['types of addresses', odd('3.0 several values with types'), '4.0', /^ADR: .*dom, intl/],
    ['names in other scripts', odd('4.0 preferences, alternatives and languages'), '3.0', /^N: /],
    ['an order of preference', vcard('4.0', 'TEL;PREF=1:1', 'TEL;PREF=2:2'), '3.0', /^TEL: .*preferred/],
  ])('notes the loss of %s, without a value', (_, body, to, note) => {
    const { notes = [] } = convertCard(body, to);
    expect(notes.filter((each) => note.test(each))).toHaveLength(1);
    expect(notes.join()).not.toMatch(/Weber|Berlin|\d{4}-/);
  });

  it('keeps the meaning of every odd card of 2.1 that has a word for it', () => {
    for (const name of Object.keys(oddCards).filter((each) => each.startsWith('2.1') && !each.includes('agent'))) {
      expect([name, digestContact(convertCard(odd(name), '3.0').body)]).toEqual([name, digestContact(odd(name))]);
      expect([name, digestContact(convertCard(odd(name), '4.0').body)]).toEqual([name, digestContact(odd(name))]);
    }
  });

  it('prefers in 3.0 what 4.0 prefers most', () => {
    const { body } = convertCard(vcard('4.0', 'TEL;PREF=20:2', 'TEL;PREF=3:1', 'TEL:0'), '3.0');
    expect(body.toString().match(/^TEL.*$/gm)).toEqual(['TEL:2', 'TEL;TYPE=PREF:1', 'TEL:0']);
  });

  it('keeps labels with their addresses both ways', () => {
    const there = convertCard(odd('3.0 several values with types'), '4.0').body;
    expect(lineOf(there, 'ADR;TYPE=HOME')).toContain('LABEL=PO Box 7^n14467 Potsdam');
    expect(lineOf(convertCard(there, '3.0').body, 'LABEL')).toBe('LABEL;TYPE=HOME:PO Box 7\\n14467 Potsdam');
    const alone = convertCard(vcard('3.0', 'LABEL;TYPE=WORK:x'), '4.0').body;
    expect(lineOf(alone, 'ADR')).toBe('ADR;TYPE=WORK;LABEL=x:;;;;;;');
    expect(digestContact(convertCard(alone, '3.0').body)).toBe(digestContact(vcard('3.0', 'LABEL;TYPE=WORK:x')));
  });

  it('is done after once, and gives back what has the version as the same buffer', () => {
    for (const body of Object.values(oddCards)) {
      for (const to of ['3.0', '4.0'] as const) {
        const once = convertCard(body, to).body;
        expect(parseCard(once).version).toBe(to);
        expect(convertCard(once, to)).toEqual({ body: once });
        if (parseCard(body).version === to) expect(once).toBe(body);
      }
    }
  });

  it('goes there and back without another loss', () => {
    for (const body of Object.values(oddCards)) {
      const there = convertCard(convertCard(body, '3.0').body, '4.0').body;
      const again = convertCard(convertCard(there, '3.0').body, '4.0').body;
      expect(digestContact(again)).toBe(digestContact(there));
    }
  });
});

describe('repaired', () => {
  it('gives back what is sound as the same buffer', () => {
    for (const [name, body] of Object.entries(oddCards))
      if (!name.startsWith('broken') && !name.includes('lower case'))
        expect([name, repaired(body).body === body]).toEqual([name, true]);
  });

  it.each<[string, Buffer, RegExp | undefined, (body: string) => boolean]>([
    ['line ends', odd('broken: line feeds only'), undefined, (body) => !/[^\r]\n/.test(body)],
    ['a missing end', odd('broken: no end'), undefined, (body) => body.endsWith('FN:No End\r\nEND:VCARD\r\n')],
    ['a missing FN', odd('broken: no name to show'), /FN/, (body) => body.includes('FN:Structured Only\r\n')],
    [
      'a missing UID',
      Buffer.from('BEGIN:VCARD\r\nVERSION:3.0\r\nN:A\r\nFN:A\r\nEND:VCARD\r\n'),
      /UID/,
      (body) => /UID:[0-9a-f]{32}\r\n/.test(body),
    ],
    [
      'a missing VERSION',
      Buffer.from('BEGIN:VCARD\nUID:a\nN:A\nFN:A\nEND:VCARD'),
      undefined,
      (body) => body.includes('VERSION:3.0\r\n'),
    ],
    [
      'a missing VERSION of 2.1',
      Buffer.from('BEGIN:VCARD\nUID:a\nN:A\nTEL;WORK:1\nEND:VCARD'),
      undefined,
      (body) => body.includes('VERSION:2.1\r\n'),
    ],
    [
      'small letters',
      odd('3.0 names in lower case'),
      undefined,
      (body) => body.startsWith('BEGIN:VCARD\r\nVERSION:3.0\r\nUID:lower@') && body.endsWith('END:VCARD\r\n'),
    ],
    [
      'a missing N',
      Buffer.from('BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:A\r\nEND:VCARD\r\n'),
      undefined,
      (body) => body.includes('N:;;;;\r\n'),
    ],
    [
      'bare commas',
      vcard('3.0', 'NOTE:a, b', 'ORG:A, Inc.;B'),
      undefined,
      (body) => body.includes('NOTE:a\\, b') && body.includes('ORG:A\\, Inc.;B'),
    ],
    [
      'a note that lost its fold',
      vcard('3.0', 'NOTE:a', 'b and c'),
      /lost its fold/,
      (body) => body.includes('NOTE:a\\nb and c\r\n'),
    ],
    [
      'text that is not UTF-8',
      Buffer.from(vcard('3.0', 'NOTE:ö').toString(), 'latin1'),
      /Windows-1252/,
      (body) => body.includes('NOTE:ö'),
    ],
    ['control characters', vcard('3.0', 'NOTE:a\x0bb'), /control/, (body) => body.includes('NOTE:ab')],
  ])('mends %s, once', (_, broken, note, holds) => {
    const { body, notes } = repaired(broken);
    expect(body.toString()).toSatisfy(holds);
    expect(notes).toEqual(note ? [expect.stringMatching(note)] : undefined);
    if (!note) expect(digestContact(body)).toBe(digestContact(broken));
    expect(repaired(body)).toEqual({ body });
  });
});
