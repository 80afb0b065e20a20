/** What a server counts, names, describes and gives need not agree: nothing is said to be complete that is not. */
import { afterEach, describe, expect, it } from 'vitest';
import { all, never } from '../../tests/conformance/collect.js';
import { openSource } from '../../tests/servers/imap-account.js';
import type { Lies, LyingImap } from '../../tests/servers/lying-imap.js';
import { folderOf, inOneReply, LyingFolder, message, startLyingImap } from '../../tests/servers/lying-imap.js';
import type { ItemRef, Source } from '../contract.js';
import type { Mail } from '../kinds/mail.js';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

const container = { key: 'INBOX', path: ['INBOX'], validity: '7' };

async function lying(folder: LyingFolder, capabilities = ''): Promise<{ server: LyingImap; source: Source<Mail> }> {
  const server = await startLyingImap({ folders: { INBOX: folder }, capabilities });
  const source = openSource(server, 'anna');
  running.push({ stop: async () => source.close() }, server);
  return { server, source };
}

interface Listed {
  readonly items: readonly ItemRef[];
  readonly failure: unknown;
}

async function listed(source: Source<Mail>): Promise<Listed> {
  const items: ItemRef[] = [];
  try {
    for await (const { entries } of source.list(container, undefined, never)) items.push(...entries);
    return { items, failure: undefined };
  } catch (failure) {
    return { items, failure };
  }
}

const uidsOf = ({ items }: Listed): number[] => items.map(({ key }) => Number(key));
const undescribed = ({ items }: Listed): number[] =>
  items.filter(({ version }) => version === '').map(({ key }) => Number(key));

async function outcomes(source: Source<Mail>, items: readonly ItemRef[]): Promise<string[]> {
  const answers = await all(source.read(container, items, never));
  return answers.map((one) => ('refused' in one ? one.reason : one.body.toString('latin1')));
}

const without = (...left: number[]): Lies => ({
  describe: (told) => (left.includes(told.uid) ? [] : [inOneReply(told)]),
});

describe('what SEARCH names and FETCH leaves out', () => {
  it('is listed all the same, and refused when it is read', async () => {
    const { source } = await lying(folderOf(5, without(2, 4)));
    const found = await listed(source);
    expect(found.failure).toBeUndefined();
    expect(uidsOf(found)).toEqual([1, 2, 3, 4, 5]);
    expect(undescribed(found)).toEqual([2, 4]);
    const read = await outcomes(source, found.items);
    expect(read[0]).toBe(message(1).toString());
    for (const n of [1, 3]) expect(read[n]).toMatch(/names the message and does not describe it/);
  });

  it('is asked for once more', async () => {
    const { source } = await lying(
      folderOf(5, { describe: (told, time) => (told.uid === 3 && time === 1 ? [] : [inOneReply(told)]) }),
    );
    const found = await listed(source);
    expect([uidsOf(found), undescribed(found)]).toEqual([[1, 2, 3, 4, 5], []]);
  });

  it('is not gone when the second SEARCH names less than is counted', async () => {
    const { source } = await lying(
      folderOf(5, { ...without(5), search: (uids, time) => (time === 1 ? uids : uids.filter((uid) => uid !== 5)) }),
    );
    const found = await listed(source);
    expect([uidsOf(found), undescribed(found)]).toEqual([[1, 2, 3, 4, 5], [5]]);
  });

  it('is gone when a second SEARCH says so', async () => {
    const folder = folderOf(3, {
      meanwhile: (self, command) => command === 'UID FETCH' && self.take(2),
    });
    const { source } = await lying(folder);
    const found = await listed(source);
    expect([uidsOf(found), found.failure]).toEqual([[1, 3], undefined]);
  });
});

describe('what is told in pieces', () => {
  it.each<[string, Lies]>([
    [
      'rows split over two replies',
      {
        describe: ({ number, uid, flags, date, size }) => [
          `* ${number} FETCH (UID ${uid} FLAGS (${flags}))`,
          `* ${number} FETCH (UID ${uid} INTERNALDATE ${date} RFC822.SIZE ${size})`,
        ],
      },
    ],
    ['rows in another order', { arrange: (replies) => [...replies].reverse() }],
    ['rows that come twice', { arrange: (replies) => [...replies, ...replies] }],
  ])('is put together: %s', async (_, lies) => {
    const { source } = await lying(folderOf(3, lies));
    const found = await listed(source);
    expect([uidsOf(found), undescribed(found)]).toEqual([[1, 2, 3], []]);
    expect(found.items[1]).toMatchObject({
      bytes: message(2).length,
      meta: { flags: ['\\Seen'], date: '2020-03-03T10:11:12+01:00' },
    });
  });

  it.each([
    ['no size', ''],
    ['NIL for a size', ' RFC822.SIZE NIL'],
    ['no number for a size', ' RFC822.SIZE many'],
  ])('is moved without a size where the server tells %s', async (_, size) => {
    const { source } = await lying(
      folderOf(3, {
        describe: (told) => [inOneReply(told).replace(/ RFC822.SIZE \d+/, told.uid === 2 ? size : '$&')],
      }),
    );
    const found = await listed(source);
    expect([uidsOf(found), undescribed(found)]).toEqual([[1, 2, 3], []]);
    expect(found.items[1]?.bytes).toBe(0);
    expect(await outcomes(source, found.items)).toEqual([1, 2, 3].map((n) => message(n).toString()));
  });
});

describe('a row that cannot be read', () => {
  it.each([
    ['a list that does not end', '\\Seen a(b', '('],
    ['a quoted string that does not end', '\\Seen "b', '('],
    ['text for a list', 'x', ''],
  ])('costs its message alone: %s', async (_, flags, open) => {
    const { source } = await lying(
      folderOf(5, {
        describe: (told) =>
          told.uid === 5
            ? [`* 5 FETCH (UID 5 FLAGS ${open}${flags} INTERNALDATE ${told.date} RFC822.SIZE ${told.size})`]
            : [inOneReply(told)],
      }),
    );
    const found = await listed(source);
    expect([uidsOf(found), undescribed(found), found.failure]).toEqual([[1, 2, 3, 4, 5], [5], undefined]);
    const read = await outcomes(source, found.items);
    expect(read.slice(0, 4)).toEqual([1, 2, 3, 4].map((n) => message(n).toString()));
    expect(read[4]).toMatch(/could not be read/);
  });
});

describe('what is counted', () => {
  it('and is more than SEARCH names makes the listing fail, after all that is named', async () => {
    const { source } = await lying(folderOf(5, { count: (held) => held + 5 }));
    const found = await listed(source);
    expect(uidsOf(found)).toEqual([1, 2, 3, 4, 5]);
    expect(found.failure).toMatchObject({ code: 'refused', message: expect.stringMatching(/counts 10 .* names 5/) });
  });

  it.each(['', 'ESEARCH'])('is looked at twice, for a SEARCH that was short once (%s)', async (capabilities) => {
    const { source } = await lying(
      folderOf(5, { search: (uids, time) => (time === 1 ? uids.slice(0, 2) : uids) }),
      capabilities,
    );
    const found = await listed(source);
    expect([uidsOf(found), found.failure]).toEqual([[1, 2, 3, 4, 5], undefined]);
  });

  it('may change all the time: arrivals and removals while it is listed are no difference', async () => {
    for (const change of [
      (self: LyingFolder) => void self.put(message(99)),
      (self: LyingFolder) => self.take(self.messages[0]?.uid ?? 0),
    ]) {
      const { source } = await lying(folderOf(30, { meanwhile: change }));
      const found = await listed(source);
      expect(found.failure).toBeUndefined();
      expect(undescribed(found)).toEqual([]);
    }
  });

  it('bounds what is named: four billion UIDs in twelve characters are not listed', async () => {
    const { source } = await lying(folderOf(3, { search: () => ['1:4294967295'] as never }), 'ESEARCH');
    const found = await listed(source);
    expect(found.failure).toMatchObject({ code: 'refused', message: expect.stringContaining('4294967295') });
  });
});

describe('what is given of a message', () => {
  const long = Buffer.from(`${message(2).toString()}${'and more of the text\r\n'.repeat(20)}`);

  /** Five messages, the second of which is long and lied about. */
  function secondOf(body: Lies['body'], size?: (told: number) => number): LyingFolder {
    const lies: Lies = {
      ...(body && { body: (one, time) => (one.uid === 2 ? body(one, time) : one.bytes) }),
      ...(size && { describe: (told) => [inOneReply({ ...told, size: String(size(Number(told.size))) })] }),
    };
    const folder = new LyingFolder(lies);
    for (const n of [1, 2, 3, 4, 5]) folder.put(n === 2 ? long : message(n));
    return folder;
  }

  const placeholder = Buffer.from(
    "MIME-Version: 1.0\r\nFrom: Microsoft Exchange Server 2010\r\nTo: b@example.org\r\nSubject: Retrieval using the IMAP4 protocol failed for the following\r\n message: 2\r\n\r\nThe server couldn't retrieve the following message:\r\n",
  );

  it.each<[string, Lies['body'], RegExp]>([
    ['nothing, quoted', () => '""', /tells \d+ bytes and gave 0/],
    ['nothing, as a literal', () => Buffer.alloc(0), /tells \d+ bytes and gave 0/],
    ['NIL', () => 'NIL', /no content/],
    ['no answer', () => undefined, /gives nothing of it/],
    ['a list', () => '(a b)', /gives nothing of it/],
    ['what cannot be read', () => '"a', /gives nothing of it/],
    ['a part of its headers', ({ bytes }) => bytes.subarray(0, 60), /and gave 60: it ends within its headers/],
    ['a part that ends in a line', ({ bytes }) => bytes.subarray(0, 200), /and gave 200: it ends within a line/],
    ['whole lines, but not all', ({ bytes }) => bytes.subarray(0, bytes.length - 22), /the message is cut off/],
    ['a notice of Exchange', () => placeholder, /a notice in place of the message/],
  ])('is refused by name, and its neighbours go on: %s', async (_, body, reason) => {
    const { source } = await lying(secondOf(body));
    const { items } = await listed(source);
    const read = await outcomes(source, items);
    expect(read[1]).toMatch(reason);
    for (const n of [1, 3, 4, 5]) expect(read[n - 1]).toBe(message(n).toString());
  });

  it('is not kept where it is far more than was told: it costs itself, whatever comes', async () => {
    const folder = secondOf(undefined, (told) => (told === long.length ? 300 * 1024 * 1024 : told));
    folder.put(message(6));
    const { server, source } = await lying(folder);
    const { items } = await listed(source);
    const before = server.commands.length;
    expect((await outcomes(source, items))[1]).toMatch(/has 314572800 bytes, more than .* are carried/);
    expect(server.commands.slice(before).some((command) => /FETCH .*2/.test(command) && /1:6/.test(command))).toBe(
      false,
    );
    const huge = await lying(secondOf(() => Buffer.alloc(3 * 1024 * 1024, 'x')));
    const read = await outcomes(huge.source, (await listed(huge.source)).items);
    expect(read[1]).toMatch(/gave 3145728 bytes, far more/);
    for (const n of [1, 3, 4, 5]) expect(read[n - 1]).toBe(message(n).toString());
  });

  it('is asked for twice: what was cut off by chance arrives', async () => {
    for (const first of [Buffer.alloc(0), long.subarray(0, 60), placeholder, undefined]) {
      const { source } = await lying(secondOf(({ bytes }, time) => (time === 1 ? first : bytes)));
      const { items } = await listed(source);
      expect((await outcomes(source, items))[1]).toBe(long.toString());
    }
  });

  it('counts as whole where sizes are estimates, and it looks whole', async () => {
    for (const size of [(told: number) => told * 3, (told: number) => told - 5, () => 0]) {
      const { source } = await lying(secondOf(undefined, size));
      const { items } = await listed(source);
      const read = await outcomes(source, items);
      expect(read).toEqual([1, 2, 3, 4, 5].map((n) => (n === 2 ? long : message(n)).toString()));
    }
  });

  it('has a note where it counts as whole and is shorter', async () => {
    const { source } = await lying(secondOf(undefined, (told) => told * 3));
    const { items } = await listed(source);
    const answers = await all(source.read(container, items, never));
    const note = `the server tells ${3 * message(1).length} bytes and gave ${message(1).length}`;
    expect(answers[0]).toMatchObject({ notes: [note] });
  });

  it('is cut off where sizes are right, also when it is the first that is read', async () => {
    const folder = folderOf(0, {
      body: ({ uid, bytes }) => (uid === 1 ? bytes.subarray(0, bytes.length - 22) : bytes),
    });
    folder.put(long);
    folder.put(message(2));
    const { source } = await lying(folder);
    const read = await outcomes(source, (await listed(source)).items);
    expect(read).toEqual([expect.stringMatching(/the message is cut off/), message(2).toString()]);
  });

  it('is cut off where sizes are estimates, and it does not look whole', async () => {
    const { source } = await lying(
      secondOf(
        ({ bytes }) => bytes.subarray(0, 60),
        (told) => told * 3,
      ),
    );
    const { items } = await listed(source);
    const read = await outcomes(source, items);
    expect(read.map((one) => /ends within its headers/.test(one))).toEqual([false, true, false, false, false]);
  });
});

describe('dates', () => {
  it.each([
    ['"00-Jan-0000 00:00:00 +0000"', undefined],
    ['"30-Dec-1899 00:00:00 +0530"', undefined],
    ['"03-Mar-2020 10:11:60 +0100"', '2020-03-03T10:11:59+01:00'],
    ['NIL', undefined],
    ['(a b)', undefined],
    ['" 3-Mar-2020 10:11:12 +0000"', '2020-03-03T10:11:12+00:00'],
  ])('%s is %s', async (date, standard) => {
    const folder = folderOf(1);
    folder.put(message(2), { date });
    const { source } = await lying(folder);
    const { items } = await listed(source);
    expect(items.map(({ meta }) => meta?.date)).toEqual(['2020-03-03T10:11:12+01:00', standard]);
  });
});

describe('flags', () => {
  it.each([
    ['\\SEEN \\answered \\Recent \\DELETED', ['\\Answered', '\\Seen']],
    ['$forwarded $MDNSENT \\Seen \\seen', ['$Forwarded', '$MDNSent', '\\Seen']],
    ['\\Seen "quoted kw" Label Label LABEL', ['Label', '\\Seen', 'quoted kw']],
    ['weird]kw NonJunk', ['NonJunk', 'weird]kw']],
    ['\\XYZ Caf\xc3\xa9 a{b %x *y \\*', ['%x', '*y', 'Caf\xc3\xa9', '\\XYZ', 'a{b']],
  ])('%s', async (flags, standard) => {
    const folder = folderOf(0);
    folder.put(message(1), { flags });
    const { source } = await lying(folder);
    const { items } = await listed(source);
    expect(items.map(({ meta }) => meta?.flags)).toEqual([standard]);
  });
});
