import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../errors.js';
import { parseReply } from './reply.js';

function values(line: string) {
  const reply = parseReply([line]);
  return reply.kind === 'data' ? reply.values : reply;
}

describe('parsing a reply', () => {
  it('keeps odd keywords whole', () => {
    expect(values('* FLAGS (\\Answered \\* $Label1 [Gmail]x foo[bar a]b (c) NonJunk)')).toEqual([
      ['\\Answered', '\\*', '$Label1', '[Gmail]x', 'foo[bar', 'a]b', ['c'], 'NonJunk'],
    ]);
    expect(values('* 1 FETCH (FLAGS (x(y) BODY[z) UID 3)')).toEqual([['FLAGS', ['x(y)', 'BODY[z'], 'UID', '3']]);
  });

  it('tells NIL from the string NIL', () => {
    expect(values('* LIST () NIL "NIL"')).toEqual([[], null, 'NIL']);
  });

  it('reads a code with a bracket in a keyword', () => {
    expect(parseReply(['* OK [PERMANENTFLAGS (\\Seen we]ird \\*)] Limited'])).toEqual({
      kind: 'status',
      status: 'OK',
      code: { name: 'PERMANENTFLAGS', args: '(\\Seen we]ird \\*)' },
      text: 'Limited',
    });
  });

  it('reads statuses without text', () => {
    expect(parseReply(['D7 OK'])).toEqual({ kind: 'status', tag: 'D7', status: 'OK', text: '' });
    expect(parseReply(['* BYE'])).toEqual({ kind: 'status', status: 'BYE', text: '' });
  });

  it.each([
    '* 1 FETCH (UID 3',
    '* 1 FETCH (UID 3))',
    '* LIST () "/" "open',
    '* 1 FETCH (BODY[HEADER 3)',
    'garbage',
    '* ',
    '',
  ])('says of %j that it cannot be read', (line) => {
    expect(() => parseReply([line])).toThrow(Fault);
  });

  it('throws nothing but faults, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        for (const line of [text, `* ${text}`, `* 1 FETCH ${text}`]) {
          try {
            parseReply([line.replace(/[\r\n]/g, '')]);
          } catch (error) {
            expect(error).toBeInstanceOf(Fault);
          }
        }
      }),
    );
  });
});
