/** A target that lies: what it leaves out of its lists has not arrived, and what it does not take away is not gone. */
import { afterEach, describe, expect, it } from 'vitest';
import { all, create, never } from '../../tests/conformance/collect.js';
import { openTarget } from '../../tests/servers/imap-account.js';
import type { Lies, LyingImap } from '../../tests/servers/lying-imap.js';
import { folderOf, inOneReply, LyingFolder, message, startLyingImap } from '../../tests/servers/lying-imap.js';
import type { Target, TargetContainer, TargetRef } from '../contract.js';
import type { Mail } from '../kinds/mail.js';
import { digestMail } from '../kinds/mail.js';
import { uidKey } from './sequence-set.js';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

function at(key: string): TargetContainer {
  return { key, path: [key], validity: '7', created: false, items: 5 };
}

async function lying(
  folders: Record<string, LyingFolder>,
  capabilities = '',
): Promise<{ server: LyingImap; target: Target<Mail> }> {
  const server = await startLyingImap({ folders, capabilities });
  const target = openTarget(server, 'anna');
  running.push({ stop: async () => target.close() }, server);
  return { server, target };
}

interface Seen {
  readonly uids: readonly number[];
  readonly failure: unknown;
}

async function seen(found: AsyncIterable<TargetRef | { readonly entries: readonly TargetRef[] }>): Promise<Seen> {
  const uids: number[] = [];
  try {
    for await (const one of found) uids.push(...('entries' in one ? one.entries : [one]).map(({ ref }) => Number(ref)));
    return { uids, failure: undefined };
  } catch (failure) {
    return { uids, failure };
  }
}

const refs = [1, 2, 3, 4, 5].map(uidKey);
const without2: Lies = { search: (uids) => uids.filter((uid) => uid !== 2) };

describe('a scan', () => {
  it('of a folder that counts more than it names fails, after all that is named', async () => {
    const { target } = await lying({ INBOX: folderOf(5, without2) });
    const { uids, failure } = await seen(target.scan(at('INBOX'), async () => new Set(), never));
    expect(uids).toEqual([1, 3, 4, 5]);
    expect(failure).toMatchObject({ code: 'refused', message: expect.stringMatching(/counts 5 .* names 4/) });
  });

  it('reads what is not described', async () => {
    const { target } = await lying({
      INBOX: folderOf(5, { describe: (told) => (told.uid === 2 ? [] : [inOneReply(told)]) }),
    });
    expect(await seen(target.scan(at('INBOX'), async () => new Set(), never))).toEqual({
      uids: [1, 2, 3, 4, 5],
      failure: undefined,
    });
  });
});

describe('proof', () => {
  it('is read back and listed: what SEARCH does not name is not proven', async () => {
    const { target } = await lying({ INBOX: folderOf(5, without2) });
    const { uids, failure } = await seen(target.readBack(at('INBOX'), refs, never));
    expect(uids).toEqual([1, 3, 4, 5]);
    expect(failure).toMatchObject({ code: 'refused', message: expect.stringContaining('does not list it') });
    const sizes = await all((target.sizes as NonNullable<typeof target.sizes>)(at('INBOX'), refs, never));
    expect(sizes.map(({ ref }) => Number(ref))).toEqual([1, 3, 4, 5]);
  });

  it('does not call gone what is named and not given', async () => {
    const { target } = await lying({
      INBOX: folderOf(5, { body: ({ uid, bytes }) => (uid === 2 ? undefined : bytes) }),
    });
    const { uids, failure } = await seen(target.readBack(at('INBOX'), refs, never));
    expect(uids).toEqual([1, 3, 4, 5]);
    expect(failure).toMatchObject({ code: 'refused', message: expect.stringContaining('gives nothing of it') });
  });

  it('leaves out what is gone', async () => {
    const folder = folderOf(5);
    folder.take(2);
    const { target } = await lying({ INBOX: folder });
    expect(await seen(target.readBack(at('INBOX'), refs, never))).toEqual({ uids: [1, 3, 4, 5], failure: undefined });
  });
});

describe('a write in doubt', () => {
  const intents = [1, 2].map((n) => ({ token: `t${n}`, digest: digestMail(message(n)) }));

  it('is not called absent where the folder counts more than it names', async () => {
    const { target } = await lying({ INBOX: folderOf(2, without2) });
    const found = await all(target.locate(at('INBOX'), intents, uidKey(1), async () => new Set(), never));
    expect(found).toMatchObject([
      { token: 't1', found: 'landed', ref: uidKey(1) },
      { token: 't2', found: 'unsure', reason: expect.stringMatching(/counts 2 .* names 1/) },
    ]);
  });

  it('is absent where the counts agree', async () => {
    const { target } = await lying({ INBOX: folderOf(1) });
    const found = await all(target.locate(at('INBOX'), intents, uidKey(1), async () => new Set(), never));
    expect(found).toMatchObject([{ found: 'landed' }, { token: 't2', found: 'absent' }]);
  });
});

describe('taking away', () => {
  const remove = (n: number) => ({ op: 'remove' as const, token: `t${n}`, ref: uidKey(n) });
  const move = (n: number) => ({ op: 'move' as const, token: `t${n}`, ref: uidKey(n), to: at('Archive') });
  const stuck: Lies = {
    refuse: (command) => (command.startsWith('UID EXPUNGE') ? 'NO [NOPERM] not in this folder' : undefined),
  };

  it('is not done where the server says so and still names the message', async () => {
    const { target } = await lying({ INBOX: folderOf(2, { search: (uids) => (uids.length > 0 ? uids : [1]) }) });
    const answers = await all(target.write(at('INBOX'), [remove(1), remove(2)], never));
    expect(answers).toMatchObject([{ refused: 't1', reason: expect.stringContaining('still names') }, { token: 't2' }]);
  });

  it('that is refused after a copy is no move: the copy is taken away again', async () => {
    const { server, target } = await lying({ INBOX: folderOf(2, stuck), Archive: folderOf(1) });
    const answers = await all(target.write(at('INBOX'), [move(1), remove(2)], never));
    expect(answers).toMatchObject([
      { refused: 't1', reason: expect.stringContaining('NOPERM') },
      { refused: 't2', reason: expect.stringContaining('NOPERM') },
    ]);
    expect(server.folders.get('Archive')?.messages.length).toBe(1);
    expect(server.folders.get('INBOX')?.messages.map(({ flags }) => flags)).toEqual(['\\Seen', '\\Seen \\Deleted']);
  });

  it('that is refused in both folders says that two stand there', async () => {
    const { server, target } = await lying({ INBOX: folderOf(2, stuck), Archive: folderOf(0, stuck) });
    const answers = await all(target.write(at('INBOX'), [move(1)], never));
    expect(answers).toMatchObject([
      {
        token: 't1',
        ref: uidKey(1),
        notes: [expect.stringContaining('could not be taken out of the folder that it left')],
      },
    ]);
    expect(server.folders.get('Archive')?.messages.length).toBe(1);
  });

  it('moves by copying where all goes well', async () => {
    const { server, target } = await lying({ INBOX: folderOf(2), Archive: folderOf(0) });
    expect(await all(target.write(at('INBOX'), [move(1), move(2)], never))).toEqual([
      { token: 't1', ref: uidKey(1) },
      { token: 't2', ref: uidKey(2) },
    ]);
    expect([...server.folders.values()].map(({ messages }) => messages.length)).toEqual([0, 2]);
  });
});

describe('a folder for a role', () => {
  const trash = { path: ['Trash'], role: 'trash' as const };

  it.each<[string, string, string[]]>([
    ['is the one that the server tells', 'Bin', ['Bin \\Trash', 'Trash']],
    ['is the one of that name before one that is only called like it', 'Trash', ['Deleted Messages', 'Trash']],
    ['is the one that is called like it', 'Deleted Messages', ['Deleted Messages']],
    ['is made under its name', 'Trash', ['Other']],
  ])('%s', async (_, key, names) => {
    const folders = names.map((name) => {
      const [raw = '', attribute] = name.split(' \\');
      return [raw, folderOf(0, {}, attribute === undefined ? '' : `\\${attribute}`)] as const;
    });
    const { target } = await lying(Object.fromEntries([['INBOX', folderOf(0)], ...folders]));
    expect((await target.ensure(trash, never)).key).toBe(key);
  });
});

describe('what is written', () => {
  it('has the date of its headers where the source tells none: not the present', async () => {
    const { server, target } = await lying({ INBOX: folderOf(0) });
    const hop = 'Received: from a by b; Wed, 4 Mar 2020 08:00:00 +0000\r\nSubject: x\r\n\r\nx\r\n';
    const bodies = [message(1).toString(), hop, 'Subject: x\r\n\r\nDate: Wed, 4 Mar 2020 08:00:00 +0000\r\n'];
    const writes = bodies.map((body, n) => create(`t${n}`, Buffer.from(body)));
    await all(target.write(at('INBOX'), writes, never));
    expect(server.folders.get('INBOX')?.messages.map(({ date }) => date)).toEqual([
      '"03-Mar-2020 10:11:12 +0100"',
      '"04-Mar-2020 08:00:00 +0000"',
      // What the server takes without one.
      '"01-Jan-2026 00:00:00 +0000"',
    ]);
  });

  it('bears the flags that the source has in any spelling, and a note where none are shown', async () => {
    const folder = new LyingFolder({ describe: (told) => (told.uid === 1 ? [] : [inOneReply(told)]) });
    const { target } = await lying({ INBOX: folder });
    await all(target.write(at('INBOX'), [create('a', message(1)), create('b', message(2))], never));
    const meta = (n: number) => ({
      op: 'meta' as const,
      token: `m${n}`,
      ref: uidKey(n),
      base: { flags: [] },
      meta: { flags: ['\\Flagged'] },
    });
    expect(await all(target.write(at('INBOX'), [meta(1), meta(2)], never))).toMatchObject([
      { refused: 'm1', reason: expect.stringContaining('does not show the flags') },
      { token: 'm2', meta: { flags: ['\\Flagged'] } },
    ]);
  });
});
