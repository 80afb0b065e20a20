import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePath, nameIn, pathOf, segmentOf, withSlash } from './hrefs.js';

describe('hrefs as keys', () => {
  it.each([
    ['a whole URL', 'https://dav.example:8443/cal/a.ics', '/cal/a.ics'],
    ['a path', '/cal/a.ics', '/cal/a.ics'],
    ['a URL without a path', 'https://dav.example', '/'],
    ['escapes of plain letters', '/c%61l/%61.ics', '/cal/a.ics'],
    ['escapes in small letters', '/cal/%c3%a4.ics', '/cal/ä.ics'],
    ['letters not escaped', '/cal/ä.ics', '/cal/ä.ics'],
    ['blanks', '/my%20cal/a%20b.ics', '/my cal/a b.ics'],
    ['a plus is a plus', '/cal/a+b%2Bc.ics', '/cal/a+b+c.ics'],
    ['quotes', "/cal/%22a%22%27b'.ics", '/cal/"a"\'b\'.ics'],
    ['an at sign', '/cal/a%40b@c.ics', '/cal/a@b@c.ics'],
    ['a slash inside a name', '/cal/a%2fb.ics', '/cal/a%2Fb.ics'],
    ['a percent sign inside a name', '/cal/50%25.ics', '/cal/50%25.ics'],
    ['what looks like an escape inside a name', '/cal/a%252Fb.ics', '/cal/a%252Fb.ics'],
    ['bytes that are no UTF-8', '/cal/%e4.ics', '/cal/%E4.ics'],
    ['a query', '/cal/a.ics?x=1#y', '/cal/a.ics'],
  ])('reads %s', (_, href, key) => {
    expect(pathOf(href)).toBe(key);
  });

  it('takes what is no path for none', () => {
    expect(pathOf('a.ics')).toBeUndefined();
    expect(pathOf('')).toBeUndefined();
  });

  it('writes every key so that it is read as itself', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 }), (names) => {
        const key = `/${names.map(segmentOf).join('/')}`;
        const sent = encodePath(key);
        expect(sent).toMatch(/^[\x21-\x7e]+$/);
        expect(sent).not.toMatch(/[?#]/);
        expect(pathOf(sent)).toBe(key);
      }),
    );
  });

  it('sends back the bytes of a name that is no UTF-8', () => {
    expect(encodePath(pathOf('/cal/%e4%20%25.ics') as string)).toBe('/cal/%E4%20%25.ics');
  });

  it('tells members of a collection from everything else', () => {
    expect(nameIn('/anna/my cal/', '/anna/my%20cal/a%2Fb.ics')).toBe('a%2Fb.ics');
    expect(nameIn('/anna/cal/', 'http://dav.example/anna/cal/a.ics')).toBe('a.ics');
    for (const other of ['/anna/cal/', '/anna/cal', '/anna/cal/sub/a.ics', '/anna/cal/sub/', '/bert/cal/a.ics', 'x']) {
      expect(nameIn('/anna/cal/', other)).toBeUndefined();
    }
  });

  it('ends collections with one slash', () => {
    expect([withSlash('/a'), withSlash('/a/')]).toEqual(['/a/', '/a/']);
  });
});
