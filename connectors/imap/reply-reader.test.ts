import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reply } from './reply.js';
import { parseReply } from './reply.js';
import { ReplyReader } from './reply-reader.js';

function read(chunks: readonly Buffer[]): Reply[] {
  const replies: Reply[] = [];
  const reader = new ReplyReader((parts) => replies.push(parseReply(parts)));
  for (const chunk of chunks) reader.push(chunk);
  expect(reader.pending).toBe(false);
  return replies;
}

const STREAM = Buffer.from(
  [
    '* OK [CAPABILITY IMAP4rev1 LITERAL+] ready {5}\r\n',
    '* 12 FETCH (UID 7 FLAGS (\\Seen [odd $x]y) BODY[HEADER.FIELDS (DATE TO)]<0> {3}\r\na)\n BODY[] {10}\r\n',
    '\x00\xff\r\n)\r\nD1  X ~{4}\r\n1234 RFC822.SIZE 3)\r\n',
    '* LIST (\\HasChildren) "/" "a \\"quoted\\" \xfc\\\\"\r\n',
    '* LIST () NIL {0}\r\n\r\n',
    '+ \r\n',
    'D1 NO [ALERT] literal-like {12}\r\n',
  ].join(''),
  'latin1',
);

const MEANING: Reply[] = [
  { kind: 'status', status: 'OK', code: { name: 'CAPABILITY', args: 'IMAP4rev1 LITERAL+' }, text: 'ready {5}' },
  {
    kind: 'data',
    name: 'FETCH',
    number: 12,
    values: [
      [
        'UID',
        '7',
        'FLAGS',
        ['\\Seen', '[odd', '$x]y'],
        'BODY[HEADER.FIELDS (DATE TO)]<0>',
        Buffer.from('a)\n'),
        'BODY[]',
        Buffer.from('\x00\xff\r\n)\r\nD1 ', 'latin1'),
        'X',
        Buffer.from('1234'),
        'RFC822.SIZE',
        '3',
      ],
    ],
  },
  { kind: 'data', name: 'LIST', values: [['\\HasChildren'], '/', 'a "quoted" \xfc\\'] },
  { kind: 'data', name: 'LIST', values: [[], null, Buffer.alloc(0)] },
  { kind: 'continue', text: '' },
  { kind: 'status', tag: 'D1', status: 'NO', code: { name: 'ALERT', args: '' }, text: 'literal-like {12}' },
];

describe('reading replies', () => {
  it('reads the same however the bytes are split', () => {
    const whole = read([STREAM]);
    expect(whole).toEqual(MEANING);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: STREAM.length - 1 })), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const chunks = at.slice(1).map((end, n) => STREAM.subarray(at[n], end));
        expect(read(chunks)).toEqual(whole);
      }),
    );
  });

  it('reads the same byte by byte', () => {
    expect(read([...STREAM].map((byte) => Buffer.from([byte])))).toEqual(read([STREAM]));
  });

  it('reads a literal of 40 MB in small pieces within a second of computing', () => {
    const bytes = 40 * 1024 * 1024;
    const piece = Buffer.alloc(16 * 1024, 'x');
    const chunks = [Buffer.from(`* 1 FETCH (BODY[] {${bytes}}\r\n`), ...Array(bytes / piece.length).fill(piece)];
    const started = process.cpuUsage();
    expect(read([...chunks, Buffer.from(')\r\n')]).length).toBe(1);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(1000);
  });

  it('takes a bare line feed as a line end', () => {
    expect(read([Buffer.from('* 3 EXISTS\n')])).toEqual([{ kind: 'data', name: 'EXISTS', number: 3, values: [] }]);
  });

  it('refuses a literal larger than any message', () => {
    expect(() => read([Buffer.from('* 1 FETCH (BODY[] {99999999999}\r\n')])).toThrow(/99999999999/);
  });
});
