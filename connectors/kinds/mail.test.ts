import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalMail, digestMail } from './mail.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const canonical = (text: string) => canonicalMail(bytes(text)).toString('latin1');

describe('canonicalMail', () => {
  it('leaves a well-formed message as it is, without a copy', () => {
    const message = bytes('Subject: x\r\n\r\nbody\r\n');
    expect(canonicalMail(message)).toBe(message);
  });

  it.each([
    ['bare line feeds', 'A: b\n\none\ntwo\n', 'A: b\r\n\r\none\r\ntwo\r\n'],
    ['mixed line ends', 'A: b\r\n\none\r\ntwo\n', 'A: b\r\n\r\none\r\ntwo\r\n'],
    ['a line feed first', '\nbody\n', '\r\nbody\r\n'],
    ['a missing final line end', 'A: b\r\n\r\nbody', 'A: b\r\n\r\nbody\r\n'],
    ['NUL', 'A: b\r\n\r\n\0x\0\r\n', 'A: b\r\n\r\n\x80x\x80\r\n'],
    ['an empty message', '', '\r\n'],
    ['lone carriage returns, which stay', 'A: b\r\n\r\none\rtwo\r\n', 'A: b\r\n\r\none\rtwo\r\n'],
    ['carriage returns before a line end', 'A: b\r\n\r\none\r\r\r\n', 'A: b\r\n\r\none\r\n'],
    ['a carriage return at the end', 'A: b\r\n\r\nx\r', 'A: b\r\n\r\nx\r\n'],
    ['blank lines at the end, which stay', 'A: b\n\nx\n\n\n', 'A: b\r\n\r\nx\r\n\r\n\r\n'],
  ])('settles %s', (_, given, wanted) => {
    expect(canonical(given)).toBe(wanted);
  });

  const plain = 'From: a\r\nSubject: x\r\n\r\nbody\r\n';
  it.each([
    ['as mbsync adds it, last', 'From: a\r\nSubject: x\r\nX-TUID: aBcDeFgHiJkL\r\n\r\nbody\r\n'],
    ['first', 'X-TUID: aBcDeFgHiJkL\r\nFrom: a\r\nSubject: x\r\n\r\nbody\r\n'],
    ['in the middle', 'From: a\r\nX-TUID: aBcDeFgHiJkL\r\nSubject: x\r\n\r\nbody\r\n'],
    ['in another case', 'From: a\r\nx-tuid: aBcDeFgHiJkL\r\nSubject: x\r\n\r\nbody\r\n'],
    ['twice', 'X-TUID: a\r\nFrom: a\r\nSubject: x\r\nX-TUID: b\r\n\r\nbody\r\n'],
    ['folded', 'From: a\r\nX-TUID:\r\n aBcDe\r\n\tFgHiJkL\r\nSubject: x\r\n\r\nbody\r\n'],
    ['with bare line feeds', 'From: a\nX-TUID: aBcDeFgHiJkL\nSubject: x\n\nbody\n'],
  ])('drops X-TUID %s', (_, given) => {
    expect(canonical(given)).toBe(plain);
  });

  it('drops X-TUID from a message of headers only', () => {
    expect(canonical('From: a\r\nX-TUID: x\r\n')).toBe('From: a\r\n');
    expect(canonical('From: a\r\nX-TUID: x')).toBe('From: a\r\n');
    expect(canonical('X-TUID: x\r\n')).toBe(canonical(''));
  });

  it.each([
    ['the body', 'From: a\r\n\r\nX-TUID: x\r\n'],
    ['the body of a message without headers', '\r\nX-TUID: x\r\n'],
    ['the value of another header', 'Subject: X-TUID: x\r\n\r\nbody\r\n'],
    ['a folded line of another header', 'Subject: x\r\n X-TUID: x\r\n\r\nbody\r\n'],
    ['a longer name', 'X-TUID-More: x\r\nMy-X-TUID: y\r\n\r\nbody\r\n'],
  ])('keeps X-TUID in %s', (_, given) => {
    expect(canonical(given)).toBe(given);
  });

  const pieces = fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    '\0',
    '\x80',
    ' ',
    '\t',
    'X-TUID: a',
    'x-tuid:',
    'Subject: b',
    'body',
    ':',
    'From ',
  );
  const messages = fc.array(pieces, { maxLength: 20 }).map((parts) => bytes(parts.join('')));

  it('is idempotent', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const once = canonicalMail(message);
        expect(canonicalMail(once)).toEqual(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('ends every line with CRLF and holds no NUL', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const text = canonicalMail(message).toString('latin1');
        expect(text).toMatch(/\r\n$/);
        expect(text).not.toMatch(/(?<!\r)\n|\0/);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not tell line ends apart', () => {
    const withoutCr = messages.filter((message) => !message.includes(13));
    fc.assert(
      fc.property(withoutCr, (message) => {
        const withCrlf = bytes(message.toString('latin1').replaceAll('\n', '\r\n'));
        expect(digestMail(withCrlf)).toBe(digestMail(message));
      }),
    );
  });

  it('does not alter its argument', () => {
    const message = bytes('A: b\nX-TUID: x\n\n\0body');
    const copy = Buffer.from(message);
    canonicalMail(message);
    expect(message).toEqual(copy);
  });
});

describe('digestMail', () => {
  it('is the SHA-256 of the canonical form, in lower-case hex', () => {
    expect(digestMail(bytes('\r\n'))).toBe('7eb70257593da06f682a3ddda54a9d260d4fc514f645237f5ca74b08f8da61a6');
  });

  it.each([
    ['another byte', 'A: b\r\n\r\nbody\r\n', 'A: b\r\n\r\nbodY\r\n'],
    ['a header more', 'A: b\r\n\r\nbody\r\n', 'A: b\r\nC: d\r\n\r\nbody\r\n'],
    ['headers in another order', 'A: b\r\nC: d\r\n\r\n', 'C: d\r\nA: b\r\n\r\n'],
    ['blanks at the end of a line', 'A: b\r\n\r\nbody\r\n', 'A: b\r\n\r\nbody \r\n'],
    ['a blank line more at the end', 'A: b\r\n\r\nbody\r\n', 'A: b\r\n\r\nbody\r\n\r\n'],
    ['another folding', 'A: b c\r\n\r\n', 'A: b\r\n c\r\n\r\n'],
  ])('differs with %s', (_, one, other) => {
    expect(digestMail(bytes(one))).not.toBe(digestMail(bytes(other)));
  });
});
