/** CSV files as spreadsheets and people write them. */
import { describe, expect, it } from 'vitest';
import { readAccounts } from './accounts-file.js';

const read = (content: string | Buffer) => {
  const answer = readAccounts('people.csv', Buffer.isBuffer(content) ? content : Buffer.from(content));
  if ('accounts' in answer) {
    return {
      accounts: answer.accounts,
      notes: answer.notes.map(({ line, column, message }) => `${line}:${column}: ${message}`),
    };
  }
  return answer.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
};
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
const TWO = {
  accounts: [
    { from: 'anna', to: 'anna@new' },
    { from: 'jörg', to: 'jörg@new' },
  ],
  notes: [],
};

describe('a file of accounts', () => {
  it.each([
    ['plain', 'from,to\nanna,anna@new\njörg,jörg@new\n'],
    ['sep=;', 'sep=;\r\nfrom;to\r\nanna;anna@new\r\njörg;jörg@new\r\n'],
    ['sep= beside a mark', '\ufeffsep=,\r\nfrom,to\r\nanna,anna@new\r\njörg,jörg@new'],
    ['semicolons and a byte order mark', '\ufefffrom;to\r\nanna;anna@new\r\njörg;jörg@new\r\n'],
    ['Unicode Text of Excel', utf16('from\tto\r\nanna\tanna@new\r\njörg\tjörg@new\r\n')],
    ['UTF-16 of the other order', utf16('from,to\r\nanna,anna@new\r\njörg,jörg@new\r\n').swap16()],
    ['any letter case, quoted, blanks around', '"From" , TO\n "anna" , anna@new \njörg,"jörg@new"\n'],
    ['the other way round', 'To;From\nanna@new;anna\njörg@new;jörg\n'],
    ['blank lines and columns', '\n\nfrom;to;;\n\nanna;anna@new;;\n;;;\njörg;jörg@new;;;;\n;\n'],
  ])('is taken: %s', (_, content) => {
    expect(read(content)).toEqual(TWO);
  });

  it('may have columns for others, which are noted', () => {
    expect(
      read('sep=;\nName, Vorname;From;Abteilung;To\n"Berg; Anna";anna;Einkauf;anna@new\n;jörg;;jörg@new\n'),
    ).toEqual({
      ...TWO,
      notes: [
        '2:1: the column "Name, Vorname" is not read; only from and to are',
        '2:20: the column "Abteilung" is not read; only from and to are',
      ],
    });
  });

  it.each([
    [
      'sep=;\nform;to\na;b',
      [
        '2:1: the column "from" is missing; the first line must be from,to',
        '2:1: unknown column "form"; did you mean "from"?',
      ],
    ],
    ['from;to\na;b\n\nc;d\na;b\n', ['5:1: the same pair as in line 2; remove one']],
    ['sep=;\nfrom;to\na;b\na;b\n', ['4:1: the same pair as in line 3; remove one']],
    ['from,to,to\na,b,c', ['1:9: a second column "to"; remove one']],
    ['from,to\na,b,c', ['2:5: more cells than the header has; quote a cell that holds the delimiter']],
    ['sep=;', ['1:1: the file is empty; its first line must be from,to']],
  ])('is refused at its line: %j', (content, problems) => {
    expect(read(content)).toEqual(problems);
  });

  it('in Windows-1252 is refused with how to save it', () => {
    expect(read(Buffer.from('from;to\r\nj\xf6rg;j\xf6rg@new\r\n', 'latin1'))).toEqual([
      expect.stringContaining('perhaps Windows-1252: Excel writes that as plain "CSV"; save it as "CSV UTF-8"'),
    ]);
  });
});
