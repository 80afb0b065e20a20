/** Logging in and keeping a connection, against servers that say what no installed server says. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { all, create, never } from '../../tests/conformance/collect.js';
import { openSource, openTarget } from '../../tests/servers/imap-account.js';
import type { TestProxy } from '../../tests/servers/proxy.js';
import { startProxy } from '../../tests/servers/proxy.js';
import type { Script, ScriptedCommand, ScriptedImap } from '../../tests/servers/scripted-imap.js';
import { startScriptedImap } from '../../tests/servers/scripted-imap.js';
import { ImapConnection } from './connection.js';
import { mailboxOf } from './place.js';
import { expandSet } from './sequence-set.js';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function scripted(script: Script): Promise<ScriptedImap> {
  const server = await startScriptedImap(script);
  running.push(server);
  return server;
}

async function proxied(server: ScriptedImap): Promise<TestProxy> {
  const proxy = await startProxy({ to: server });
  running.push(proxy);
  return proxy;
}

const oauth = { auth: { accessToken: { env: 'TOKEN' } }, secret: 'tok-canary' };

describe('logging in', () => {
  it('sends XOAUTH2 at once where SASL-IR allows', async () => {
    const server = await scripted({ capabilities: 'IMAP4rev1 SASL-IR AUTH=XOAUTH2' });
    await openSource(server, 'anna@old.example', oauth).place(never);
    const sent = Buffer.from(server.lines[0]?.replace('AUTHENTICATE XOAUTH2 ', '') ?? '', 'base64').toString();
    expect(sent).toBe('user=anna@old.example\x01auth=Bearer tok-canary\x01\x01');
  });

  it('waits to be asked without SASL-IR, and prefers OAUTHBEARER', async () => {
    const server = await scripted({
      capabilities: 'IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER',
      answer: ({ text }) => text === 'AUTHENTICATE OAUTHBEARER' && '+ \r\n',
    });
    const place = openSource(server, 'a=b,c', oauth).place(never);
    await expect.poll(() => server.lines.length).toBe(2);
    const answer = Buffer.from(server.lines[1] ?? '', 'base64').toString();
    expect(answer).toBe(`n,a=a=3Db=2Cc,\x01host=127.0.0.1\x01port=${server.port}\x01auth=Bearer tok-canary\x01\x01`);
    await server.stop();
    await expect(place).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['xoauth2', ''],
    ['oauthbearer', 'AQ=='],
  ] as const)(
    'answers the challenge of a refused token (%s), and tells what the server said',
    async (mechanism, answer) => {
      let tagged = '';
      const server = await scripted({
        capabilities: 'IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER',
        answer({ tag, text, send }) {
          if (text.startsWith('AUTHENTICATE')) {
            tagged = tag;
            send(`+ ${Buffer.from('{"status":"401","schemes":"bearer"}').toString('base64')}\r\n`);
          } else send(`${tagged} NO [AUTHENTICATIONFAILED] no\r\n`);
          return true;
        },
      });
      const source = openSource(server, 'anna', { ...oauth, auth: { ...oauth.auth, mechanism } });
      await expect(source.place(never)).rejects.toMatchObject({
        code: 'credentials',
        message: expect.stringContaining('"status":"401"'),
      });
      expect(server.lines[1]).toBe(answer);
    },
  );

  it('sends a password with quotes, and one beyond ASCII as a literal', async () => {
    const server = await scripted({});
    await openSource(server, 'anna', { secret: 'a"b\\c' }).place(never);
    await openSource(server, 'anna', { secret: 'pässword' }).place(never);
    expect(server.lines.filter((line) => line.startsWith('LOGIN'))).toEqual([
      'LOGIN "anna" "a\\"b\\\\c"',
      'LOGIN "anna" <9 bytes>',
    ]);
  });

  it('sends no password where the server takes none', async () => {
    const server = await scripted({ capabilities: 'IMAP4rev1 LOGINDISABLED STARTTLS' });
    await expect(openSource(server, 'anna').place(never)).rejects.toMatchObject({ code: 'spec' });
    expect(server.lines).toEqual([]);
  });

  it('tells a full server from a wrong password', async () => {
    const full = await scripted({ greeting: '* BYE Too many simultaneous connections' });
    await expect(openSource(full, 'anna').place(never)).rejects.toMatchObject({
      code: 'throttled',
      retryAfterMs: 15_000,
    });
    const wrong = await scripted({
      answer: ({ tag }) => `${tag} NO LOGIN failed for anna@x.example secret\r\n`,
    });
    await expect(openSource(wrong, 'anna').place(never)).rejects.toMatchObject({
      code: 'credentials',
      message: expect.stringMatching(/: LOGIN: the server answered NO LOGIN failed for <address> <secret>$/),
    });
  });
});

describe('introductions', () => {
  const unsafe = (text: string) => /^(EXAMINE|SELECT)/.test(text);

  it('come before a folder is opened: NetEase opens none for a client without a name', async () => {
    let named = false;
    const server = await scripted({
      capabilities: 'IMAP4rev1 ID',
      answer({ tag, text }) {
        if (text.startsWith('ID (')) named = true;
        if (text.startsWith('ID (')) return `* ID ("name" "Coremail" "version" "2.0")\r\n${tag} OK\r\n`;
        return unsafe(text) && !named && `${tag} NO ${text.split(' ')[0]} Unsafe Login. Please contact kefu\r\n`;
      },
    });
    const source = openSource(server, 'anna');
    expect(await all(source.list({ key: 'INBOX', path: ['INBOX'], validity: '7' }, undefined, never))).toEqual([]);
    expect(await source.describe(never)).toContainEqual({ name: 'server', value: 'Coremail 2.0' });
  });

  it.each(['NO', 'BAD', 'OK'])('that a server answers with %s and nothing else go on without', async (status) => {
    const server = await scripted({
      capabilities: 'IMAP4rev1 ID',
      answer: ({ tag, text }) => text.startsWith('ID (') && `* ID NIL\r\n${tag} ${status} no\r\n`,
    });
    const source = openSource(server, 'anna');
    expect((await source.describe(never)).map(({ name }) => name)).not.toContain('server');
  });

  it('bring what the server wants a person to read, without secrets, and not without end', async () => {
    const server = await scripted({
      answer: ({ tag, text, send }) => {
        if (!text.startsWith('LOGIN')) return false;
        for (let n = 1; n <= 20; n++) send(`* OK [ALERT] Mailbox of anna@old.example ${n} closes; secret \x1b[31m\r\n`);
        send(`${tag} OK [ALERT] in\r\n`);
        return true;
      },
    });
    const alerts = (await openSource(server, 'anna').describe(never)).filter(({ name }) => name === 'alert');
    expect(alerts.length).toBe(5);
    expect(alerts[0]?.value).toBe('Mailbox of <address> 1 closes; <secret>  [31m');
  });
});

describe('the mailbox that a login opens', () => {
  it.each<[string, Parameters<typeof mailboxOf>[0], string]>([
    ['anna', { auth: { username: 'anna' } }, 'anna'],
    ['dst', { auth: { username: 'anna' } }, 'anna'],
    ['anna', { auth: { username: 'anna@old.example' } }, 'anna@old.example'],
    ['anna', { auth: { username: 'anna*admin' } }, 'anna'],
    ['anna', { auth: { username: 'admin', authorizationId: 'anna' } }, 'anna'],
    ['shared@old.example', { auth: { username: 'old.example\\boss/shared@old.example' } }, 'shared@old.example'],
    ['anna', { auth: { username: 'admin' }, prefix: 'user/anna/' }, 'admin/anna'],
    ['bela', { auth: { username: 'admin' }, prefix: 'user/bela/' }, 'admin/bela'],
    ['an', { auth: { username: 'anna' } }, 'anna'],
  ])('of %s with %j is %s', (account, options, mailbox) => {
    expect(mailboxOf(options, account)).toBe(mailbox);
  });
});

describe('STARTTLS', () => {
  const starttls = { tls: 'starttls' } as const;

  it('is refused when the server does not offer it, and nothing is sent in the clear', async () => {
    const server = await scripted({});
    await expect(openSource(server, 'anna', starttls).place(never)).rejects.toMatchObject({ code: 'spec' });
    expect(server.lines).toEqual([]);
  });

  it('is refused when the server pretends to be logged in already', async () => {
    const server = await scripted({ greeting: '* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello' });
    await expect(openSource(server, 'anna', starttls).place(never)).rejects.toMatchObject({ code: 'spec' });
  });

  it.each(['* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n', '* CAPAB'])(
    'gives up when %j was slipped in before the handshake',
    async (injected) => {
      const server = await scripted({
        capabilities: 'IMAP4rev1 STARTTLS',
        answer: ({ tag, text }) => text === 'STARTTLS' && `${tag} OK go ahead\r\n${injected}`,
      });
      await expect(openSource(server, 'anna', starttls).place(never)).rejects.toMatchObject({
        message: expect.stringContaining('in the clear'),
      });
      expect(server.lines).toEqual(['STARTTLS']);
    },
  );
});

describe('a connection', () => {
  it('is given up after silence, also when the network swallows everything', async () => {
    const server = await scripted({ capabilities: 'IMAP4rev1' });
    const proxy = await proxied(server);
    const source = openSource(proxy, 'anna', { timeouts: { replyMs: 1_500 } });
    await source.place(never);
    proxy.hang();
    await expect(all(source.containers(never))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no sign of life'),
    });
  });

  it('is given up when nobody greets', async () => {
    const server = await scripted({ greeting: null });
    await expect(openSource(server, 'anna', { timeouts: { connectMs: 200 } }).place(never)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('did not greet within 200 ms'),
    });
  });

  it('never selects for writing what is only read', async () => {
    const server = await scripted({});
    const source = openSource(server, 'anna');
    const container = { key: 'INBOX', path: ['INBOX'], validity: '7' };
    await all(source.list(container, undefined, never));
    const ref = { key: '0000000001', version: '', bytes: 1, rank: 0, meta: {} };
    await all(source.read(container, [ref], never));
    expect(server.lines.filter((line) => /EXAMINE|SELECT|FETCH/.test(line))).toEqual([
      'EXAMINE INBOX',
      'UID FETCH 1 (UID BODY.PEEK[])',
      // It was left out of the answer.
      'UID FETCH 1 (UID BODY.PEEK[])',
    ]);
  });

  it('is made anew when it ended between two calls', async () => {
    const server = await scripted({});
    const proxy = await proxied(server);
    const source = openSource(proxy, 'anna');
    await source.place(never);
    proxy.cut();
    // The first call may still find the old connection; then it fails, and the next one makes a new one.
    await all(source.containers(never)).catch(() => undefined);
    expect((await all(source.containers(never))).length).toBe(1);
    source.close();
    await expect(source.place(never)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('names the command whose reply cannot be read', async () => {
    const server = await scripted({
      answer: ({ text }) => text.startsWith('LIST "" "*"') && '* LIST (((\r\n',
    });
    await expect(all(openSource(server, 'anna').containers(never))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^LIST: .*not closed/),
    });
  });

  it('throws what waits when it is closed or aborted', async () => {
    const server = await scripted({ answer: ({ text }) => text.startsWith('LIST "" "*"') });
    const closed = openSource(server, 'anna');
    const waiting = all(closed.containers(never));
    await expect.poll(() => server.lines).toContain('LIST "" "*"');
    closed.close();
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    const stop = new AbortController();
    const aborted = all(openSource(server, 'anna').containers(stop.signal));
    stop.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives each of several commands in flight its own replies, in whatever order they come', async () => {
    const held: string[] = [];
    const server = await scripted({
      answer({ tag, text, send }) {
        if (!text.startsWith('STATUS')) return false;
        held.push(tag);
        if (held.length === 2) {
          send('* STATUS b (MESSAGES 2)\r\n* STATUS a (MESSAGES 1)\r\n');
          send(`${held[1]} OK\r\n${held[0]} NO [NONEXISTENT] no a\r\n`);
        }
        return true;
      },
    });
    const connection = new ImapConnection(connect(server.port, server.host), { replyMs: 5000, secrets: [] });
    await connection.greeting();
    const replies = await Promise.all(
      ['a', 'b'].map((name) => connection.execute({ name: 'STATUS', pieces: [`STATUS ${name} (MESSAGES)`] })),
    );
    expect(replies.map((reply) => reply.status)).toEqual(['NO', 'OK']);
    connection.destroy(connection.fault(replies[0] as never, { name: 'STATUS', pieces: [] }));
  });
});

describe('reading what a server cannot give', () => {
  const container = { key: 'INBOX', path: ['INBOX'], validity: '7' };
  const refs = Array.from({ length: 9 }, (_, n) => ({
    key: String(n + 1).padStart(10, '0'),
    version: '',
    bytes: 4,
    rank: 0,
    meta: {},
  }));

  /** Gives nothing at all for a set that holds UID 5, and says `failure` instead. */
  function withoutFive(failure: (command: ScriptedCommand) => string): Script {
    return {
      answer(command) {
        const set = /^UID FETCH (\S+)/.exec(command.text)?.[1];
        if (set === undefined) return false;
        const uids = expandSet(set, 100);
        if (uids.includes(5)) return failure(command);
        return `${uids.map((uid) => `* ${uid} FETCH (UID ${uid} BODY[] "n: ${uid}")\r\n`).join('')}${command.tag} OK done\r\n`;
      },
    };
  }

  it.each<[string, (command: ScriptedCommand) => string]>([
    ['says NO', ({ tag }) => `${tag} NO [SERVERBUG] Input/output error\r\n`],
    ['says BYE', () => '* BYE FETCH failed\r\n'],
    [
      'just closes',
      ({ socket }) => {
        socket.destroy();
        return '';
      },
    ],
  ])('finds the one message when the server %s to all that were asked with it', async (_, failure) => {
    const server = await scripted(withoutFive(failure));
    const source = openSource(server, 'anna');
    const answers = await all(source.read(container, refs, never));
    expect(answers.map((one) => ('key' in one ? one.body.toString() : one.refused))).toEqual(
      refs.map(({ key }, n) => (n === 4 ? key : `n: ${n + 1}`)),
    );
    expect(answers[4]).toMatchObject({
      reason: expect.stringMatching(/Input\/output error|the server ends the connection/),
    });
  });

  it("throws when the trouble is no message's", async () => {
    const server = await scripted(withoutFive(({ tag }) => `${tag} NO [UNAVAILABLE] backend down\r\n`));
    await expect(all(openSource(server, 'anna').read(container, refs, never))).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('counts what is new by UID, not by what n:* names', async () => {
    const server = await scripted({
      capabilities: 'IMAP4rev1 CONDSTORE',
      answer({ tag, text }) {
        if (text.startsWith('EXAMINE')) return `* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n${tag} OK\r\n`;
        // UIDNEXT was 10.
        if (text.startsWith('UID SEARCH')) return `* SEARCH 1 2\r\n${tag} OK\r\n`;
        return false;
      },
    });
    const source = openSource(server, 'anna');
    const token = JSON.stringify({ validity: '7', uidNext: 10, modSeq: '3', messages: 2 });
    const changes = source.changes?.bind(source) as NonNullable<typeof source.changes>;
    expect(await all(changes(container, token, never))).toEqual([]);
  });
});

describe('appending', () => {
  const container = { key: 'INBOX', path: ['INBOX'], validity: '7', created: false, items: 0 };
  const bodies = ['one', 'two', 'three'].map((text) => Buffer.from(`S: ${text}\r\n\r\n`));

  it('sends a literal only when asked to', async () => {
    const server = await scripted({
      capabilities: 'IMAP4rev1 UIDPLUS',
      answer: ({ tag, text }) =>
        text.startsWith('APPEND') && `${tag} OK [APPENDUID 7 ${text.includes('\\Seen') ? 3 : 4}] ok\r\n`,
    });
    const target = openTarget(server, 'anna');
    const answers = await all(
      target.write(
        container,
        [create('a', bodies[0] as Buffer, { flags: ['\\Seen'] }), create('b', bodies[1] as Buffer)],
        never,
      ),
    );
    expect(answers).toMatchObject([
      { token: 'a', ref: '0000000003' },
      { token: 'b', ref: '0000000004' },
    ]);
    expect(server.lines.slice(-2)).toEqual(['APPEND INBOX (\\Seen) <10 bytes>', 'APPEND INBOX <10 bytes>']);
  });

  it('sends nothing more of a command whose literal was refused: it would be taken for commands', async () => {
    const server = await scripted({
      capabilities: 'IMAP4rev1 UIDPLUS',
      refuseLiteral: ({ tag, bytes }) => (bytes === 12 ? `${tag} NO [TOOBIG] no\r\n` : undefined),
      answer: ({ tag, text }) => text.startsWith('APPEND') && `${tag} OK [APPENDUID 7 1] ok\r\n`,
    });
    const writes = bodies.map((body, n) => create(`t${n}`, body));
    expect(writes.map((write) => write.op === 'create' && write.bytes)).toEqual([10, 10, 12]);
    const inOrder = [writes[2], writes[0]].filter((write) => write !== undefined);
    const answers = await all(openTarget(server, 'anna').write(container, inOrder, never));
    expect(answers).toMatchObject([{ refused: 't2' }, { token: 't0', ref: '0000000001' }]);
    expect(server.lines.slice(-2)).toEqual([expect.stringMatching(/^SELECT/), 'APPEND INBOX <10 bytes>']);
  });

  it('throws when the server says BYE, and answers what was stored before', async () => {
    let appends = 0;
    const server = await scripted({
      capabilities: 'IMAP4rev1 UIDPLUS LITERAL+',
      answer({ tag, text, send, socket }) {
        if (!text.startsWith('APPEND')) return false;
        if (++appends === 1) send(`${tag} OK [APPENDUID 7 1] ok\r\n`);
        else {
          send('* BYE Invalid character in literal\r\n');
          socket.end();
        }
        return true;
      },
    });
    const answered: unknown[] = [];
    const writing = async () => {
      const target = openTarget(server, 'anna');
      const writes = bodies.map((body, n) => create(`t${n}`, body));
      for await (const answer of target.write(container, writes, never)) answered.push(answer);
    };
    await expect(writing()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Invalid character'),
    });
    expect(answered).toMatchObject([{ token: 't0', ref: '0000000001' }]);
    expect(appends).toBeLessThanOrEqual(3);
  });

  it('halves a refused lot until the message at fault is alone, and sends none twice', async () => {
    const stored: number[] = [];
    const server = await scripted({
      capabilities: 'IMAP4rev1 UIDPLUS LITERAL+ MULTIAPPEND',
      answer({ tag, text, send }) {
        if (!text.startsWith('APPEND')) return false;
        const sizes = [...text.matchAll(/<(\d+) bytes>/g)].map((match) => Number(match[1]));
        if (sizes.includes(13)) send(`${tag} NO [TOOBIG] too big\r\n`);
        else {
          const first = stored.length + 1;
          stored.push(...sizes);
          send(`${tag} OK [APPENDUID 7 ${first}:${stored.length}] ok\r\n`);
        }
        return true;
      },
    });
    const writes = Array.from({ length: 20 }, (_, n) =>
      create(`t${n}`, Buffer.from(`S: ${n === 13 ? 'poison' : 'fine'}\r\n\r\n`)),
    );
    expect(writes[13]?.op === 'create' && writes[13].bytes).toBe(13);
    const answers = await all(openTarget(server, 'anna').write(container, writes, never));
    expect(answers.filter((one) => 'refused' in one)).toMatchObject([
      { refused: 't13', reason: expect.stringContaining('TOOBIG') },
    ]);
    expect(new Set(answers.map((one) => ('ref' in one ? one.ref : undefined))).size).toBe(20);
    expect(stored.length).toBe(19);
  });

  it('leaves keywords out that the server refuses, and says so', async () => {
    const server = await scripted({
      capabilities: 'IMAP4rev1 UIDPLUS LITERAL+',
      answer: ({ tag, text }) =>
        text.startsWith('APPEND') &&
        `${tag} ${text.includes('Odd') ? 'NO [LIMIT] Too many keywords' : 'OK [APPENDUID 7 1]'}\r\n`,
    });
    const [answer] = await all(
      openTarget(server, 'anna').write(
        container,
        [create('a', bodies[0] as Buffer, { flags: ['Odd', '\\Seen'] })],
        never,
      ),
    );
    expect(answer).toMatchObject({ token: 'a', meta: { flags: ['\\Seen'] }, notes: [expect.stringContaining('Odd')] });
  });

  it('throws throttling with its time, after the answers to what was stored', async () => {
    let appends = 0;
    const server = await scripted({
      capabilities: 'IMAP4rev1 UIDPLUS LITERAL+',
      answer({ tag, text, send }) {
        if (!text.startsWith('APPEND')) return false;
        const throttled = 'BAD Request is throttled. Suggested Backoff Time: 1234 milliseconds';
        send(`${tag} ${++appends === 2 ? throttled : `OK [APPENDUID 7 ${appends}] ok`}\r\n`);
        return true;
      },
    });
    const answered: unknown[] = [];
    const writing = async () => {
      for await (const answer of openTarget(server, 'anna').write(
        container,
        bodies.map((body, n) => create(`t${n}`, body)),
        never,
      ))
        answered.push(answer);
    };
    await expect(writing()).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 1234 });
    expect(answered).toMatchObject([{ token: 't0' }, { token: 't2' }]);
  });

  it('says conflict when the folder was rebuilt, and locates nothing then', async () => {
    const server = await scripted({});
    const target = openTarget(server, 'anna');
    const old = { ...container, validity: '6' };
    await expect(all(target.write(old, [create('a', bodies[0] as Buffer)], never))).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(
      await all(target.locate(old, [{ token: 'a', digest: 'x' }], '0000000001', async () => new Set(), never)),
    ).toMatchObject([{ token: 'a', found: 'unsure' }]);
  });
});
