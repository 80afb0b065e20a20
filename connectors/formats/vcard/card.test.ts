import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { card, oddCards } from '../../../tests/conformance/odd-cards.js';
import { contactProblem, digestContact } from '../../kinds/contacts.js';
import type { Card, Property } from './card.js';
import { componentsOf, formatCard, parseCard, textOf, valuesOf } from './card.js';
import { splitCards } from './split.js';

const odd = (name: string): Buffer => oddCards[name] as Buffer;
const find = (body: Buffer, name: string): Property => {
  const found = parseCard(body).properties.find((property) => property.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};

describe('parseCard and formatCard', () => {
  it('lose nothing of well-formed cards', () => {
    for (const [name, body] of Object.entries(oddCards)) {
      const again = formatCard(parseCard(body));
      expect([name, digestContact(again)]).toEqual([name, digestContact(body)]);
      expect([name, parseCard(again)]).toEqual([name, parseCard(body)]);
    }
  });

  it('write a card of this kind as it was, byte for byte', () => {
    for (const body of [card(7), odd('3.0 a photo inside'), odd('4.0 a group')])
      expect(formatCard(parseCard(body)).toString()).toBe(body.toString());
  });

  it('break quoted-printable softly, never within an encoded letter', () => {
    const value = 'Gr=C3=B6=C3=9Fe '.repeat(20);
    const params = { ENCODING: ['QUOTED-PRINTABLE'], CHARSET: ['UTF-8'] };
    const body = formatCard({ version: '2.1', properties: [{ name: 'NOTE', params, value }] });
    const lines = body.toString().split('\r\n').slice(2, -2);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^.{1,74}(?<!=|=[0-9A-F])=$/);
    expect(textOf(find(body, 'NOTE'))).toBe('Größe '.repeat(20));
  });

  const name = fc.constantFrom('FN', 'NOTE', 'X-A', 'TEL', 'CATEGORIES');
  const value = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\p{Cc}/gu, '_'));
  const params = fc.dictionary(
    fc.constantFrom('TYPE', 'X-P', 'LANGUAGE'),
    fc.array(
      value.map((v) => v.replace(/"/g, "'")),
      { minLength: 1, maxLength: 3 },
    ),
  );
  const property = fc.record({ name, params, value }).map((each): Property => each);

  it('read what they have written', () => {
    fc.assert(
      fc.property(fc.array(property), fc.constantFrom('3.0', '4.0'), (properties, version) => {
        const written: Card = { version, properties };
        expect(parseCard(formatCard(written))).toEqual(written);
        for (const line of formatCard(written).toString().split('\r\n'))
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
      }),
    );
  });
});

describe('accessors', () => {
  it('decode text, lists and components', () => {
    expect(textOf(find(odd('2.1 quoted-printable in several lines'), 'NOTE'))).toBe(
      'first\nsecond line that is continued=3D here  with a blank before it'.replace('=3D', '='),
    );
    expect(textOf(find(odd('2.1 an older character set'), 'FN'))).toBe('Jörg Müller');
    expect(componentsOf(find(odd('2.1 an older character set'), 'ADR'))[2]).toEqual(['Straße 1 – Hof']);
    expect(componentsOf(find(odd('3.0 everything escaped'), 'N'))).toEqual([
      ['O;Neil'],
      ['A,B', 'C'],
      [''],
      [''],
      [''],
    ]);
    expect(valuesOf(find(odd('3.0 everything escaped'), 'CATEGORIES'))).toEqual(['One, indeed', 'Two', 'Three']);
    expect(textOf(find(odd('3.0 everything escaped'), 'NOTE'))).toBe(
      'first\nsecond\nthird, with a comma; a semicolon: a colon\\ and "quotes"',
    );
  });

  it('find the parameters of 2.1 under their names', () => {
    expect(find(odd('2.1 quoted-printable in several lines'), 'TEL').params).toEqual({
      TYPE: ['WORK', 'VOICE', 'PREF'],
    });
    expect(find(odd('2.1 a photo with a blank line after it'), 'PHOTO').params).toEqual({
      TYPE: ['JPEG'],
      ENCODING: ['BASE64'],
    });
    expect(find(odd('2.1 a photo with a blank line after it'), 'PHOTO').value).toMatch(/^\/9j\/[A-Za-z0-9+/]+=$/);
    expect(find(odd('2.1 a photo with a blank line after it'), 'TEL').value).toBe('1');
  });

  it('keep the card of an agent in one value', () => {
    expect(find(odd('2.1 an agent of several lines'), 'AGENT').value).toContain(
      'BEGIN:VCARD\nVERSION:2.1\nN:Friday;Fred',
    );
    expect(find(odd('2.1 an agent of several lines'), 'TITLE').value).toBe('Director');
    expect(textOf(find(odd('2.1 an agent of several lines'), 'N'))).toBe('Boss;The');
  });
});

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function split(file: Buffer, size = 1000): Promise<Buffer[]> {
  const cards = [];
  for await (const body of splitCards(inChunks(file, size))) cards.push(body as Buffer);
  return cards;
}

describe('splitCards', () => {
  const whole = Object.entries(oddCards).filter(([name]) => !name.startsWith('broken'));

  it.each([1, 13, 100_000])('finds every odd card again in one file, read in chunks of %i', async (size) => {
    const cards = await split(Buffer.concat(whole.map(([, body]) => body)), size);
    expect(cards.map((body) => body.toString('latin1'))).toEqual(whole.map(([, body]) => body.toString('latin1')));
  });

  it('ends a card that was not ended where the next begins', async () => {
    const cards = await split(Buffer.concat([odd('broken: no end'), card(1)]));
    expect(cards.map((body) => body.toString())).toEqual([odd('broken: no end').toString(), card(1).toString()]);
  });

  it('takes any line ends, a byte order mark, and no last line end', async () => {
    const file = Buffer.from(`\ufeff${card(1).toString().replaceAll('\r\n', '\n')}\n\n${card(2).toString().trimEnd()}`);
    expect((await split(file)).map(String)).toEqual(
      [String(card(1)), `\r\n\r\n${card(2)}`].map((each) => each.trimStart()),
    );
  });

  it('names a card that is too large, and goes on with its neighbours', async () => {
    const large = `${card(2)}`.replace('END:VCARD', `${'NOTE:x\r\n'.repeat(1000)}END:VCARD`);
    const cards = [];
    for await (const body of splitCards(inChunks(Buffer.from(`${card(1)}${large}${card(3)}`), 100), 5000))
      cards.push(String(body));
    expect(cards).toEqual([String(card(1)), 'too large', String(card(3))]);
  });

  it('does not drop what stands between cards', async () => {
    const cards = await split(Buffer.concat([card(1), Buffer.from('lost words\r\n'), card(2)]));
    expect(cards).toHaveLength(3);
    expect(contactProblem(cards[1] as Buffer)).toMatch(/no vCard/);
  });
});
