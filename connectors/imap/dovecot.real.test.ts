/** What is particular to IMAP, on a real Dovecot: encryption, logins, limits, poison, cuts, change tracking. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  all,
  apply,
  bodyOf,
  containerAt,
  create,
  entries,
  itemsAt,
  never,
  written,
} from '../../tests/conformance/collect.js';
import { large, plain } from '../../tests/conformance/odd-messages.js';
import type { Dovecot } from '../../tests/servers/dovecot.js';
import { startDovecot } from '../../tests/servers/dovecot.js';
import type { DovecotOptions } from '../../tests/servers/dovecot-config.js';
import { openSource, openTarget } from '../../tests/servers/imap-account.js';
import { ImapWitness } from '../../tests/servers/imap-witness.js';
import type { ProxyOptions } from '../../tests/servers/proxy.js';
import { startProxy } from '../../tests/servers/proxy.js';
import { digestMail } from '../kinds/mail.js';

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function dovecot(options: DovecotOptions = {}): Promise<Dovecot> {
  const server = await startDovecot(options);
  ending.push(() => server.stop());
  return server;
}

async function proxied(server: Dovecot, options: Omit<ProxyOptions, 'to'> = {}) {
  const proxy = await startProxy({ to: server, ...options });
  ending.push(() => proxy.stop());
  return proxy;
}

async function witness(server: Dovecot): Promise<ImapWitness> {
  const hand = await ImapWitness.open(server, 'anna');
  ending.push(() => hand.close());
  return hand;
}

function closing<S extends { close(): void }>(session: S): S {
  ending.push(async () => session.close());
  return session;
}

describe('encryption and logins', () => {
  it('trusts the CA it was given, by implicit TLS and by STARTTLS, and no other', async () => {
    const server = await dovecot({ tls: true });
    const ca = { ca: server.caFile as string };
    const secure = { host: server.host, port: server.tlsPort as number };
    const implicit = closing(openSource(secure, 'anna', { ...ca, tls: 'implicit' }));
    expect((await implicit.place(never)).proof).toBe(`imap://127.0.0.1:${server.tlsPort}/anna`);
    expect((await all(implicit.containers(never))).length).toBe(1);
    const upgraded = closing(openSource(server, 'anna', { ...ca, tls: 'starttls' }));
    expect((await all(upgraded.containers(never))).length).toBe(1);
    await expect(openSource(secure, 'anna', { tls: 'implicit' }).place(never)).rejects.toMatchObject({ code: 'spec' });
    await expect(openSource(server, 'anna', { tls: 'starttls' }).place(never)).rejects.toMatchObject({ code: 'spec' });
    const otherName = openSource(secure, 'anna', { ...ca, tls: 'implicit', servername: 'mail.example' });
    await expect(otherName.place(never)).rejects.toMatchObject({ code: 'spec' });
    const clear = openSource(server, 'anna', { ...ca, tls: 'implicit', timeouts: { connectMs: 2000 } });
    await expect(clear.place(never)).rejects.toMatchObject({ code: 'spec' });
  });

  it('opens the account of another by a master user, and names the place by the account', async () => {
    const server = await dovecot({ masterUser: { name: 'admin', password: 'master' } });
    const hand = await witness(server);
    await hand.put(['INBOX'], { bytes: plain('annas') });
    const byName = closing(openSource(server, 'anna', { auth: { username: 'anna*admin' }, secret: 'master' }));
    const byId = closing(
      openSource(server, 'anna', { auth: { username: 'admin', authorizationId: 'anna' }, secret: 'master' }),
    );
    for (const source of [byName, byId]) {
      expect((await itemsAt(source, ['INBOX'])).length).toBe(1);
      expect((await source.place(never)).proof).toBe(`imap://127.0.0.1:${server.port}/anna`);
    }
    const byLogin = closing(openSource(server, 'anna', { auth: { mechanism: 'login' } }));
    expect((await itemsAt(byLogin, ['INBOX'])).length).toBe(1);
  });

  it('says that a password is wrong without telling it', async () => {
    const server = await dovecot();
    const error: Error & { code?: string } = await openSource(server, 'anna', { secret: 'wrong-canary' })
      .place(never)
      .then(
        () => new Error('it logged in'),
        (fault) => fault,
      );
    expect(error.code).toBe('credentials');
    expect(JSON.stringify([error.message, error.stack])).not.toContain('wrong-canary');
  });

  it('counts too many connections as throttling', async () => {
    const server = await dovecot({ maxUserIpConnections: 1 });
    await closing(openSource(server, 'anna')).place(never);
    await expect(openSource(server, 'anna').place(never)).rejects.toMatchObject({
      code: 'throttled',
      retryAfterMs: 15_000,
    });
  });
});

describe('folders', () => {
  it('works below a prefix with another delimiter', async () => {
    const server = await dovecot({ prefix: 'INBOX.', separator: '.' });
    const target = closing(openTarget(server, 'anna'));
    const made = await target.ensure({ path: ['Projects', 'Übung'], subscribed: true }, never);
    expect([made.key, made.path]).toEqual(['INBOX.Projects.&ANw-bung', ['Projects', 'Übung']]);
    const below = await target.ensure({ path: ['INBOX', 'Sub'] }, never);
    expect([below.key, below.path, below.notes?.length]).toEqual(['INBOX.Sub', ['Sub'], 1]);
    const found = await all(closing(openSource(server, 'anna')).containers(never));
    expect(found.map((one) => [one.path.join('/'), one.subscribed])).toEqual(
      expect.arrayContaining([
        ['INBOX', false],
        ['Projects/Übung', true],
        ['Sub', false],
      ]),
    );
  });

  it('changes a name the server refuses, and says so, the same each time', async () => {
    const server = await dovecot();
    const first = await closing(openTarget(server, 'anna')).ensure({ path: ['v1.2', 'a/b'] }, never);
    expect([first.path, first.created, first.notes?.length]).toEqual([['v1_2', 'a_b'], true, 2]);
    const again = await closing(openTarget(server, 'anna')).ensure({ path: ['v1.2', 'a/b'] }, never);
    expect([again.key, again.created]).toEqual([first.key, false]);
  });

  it('tells roles by SPECIAL-USE and by name', async () => {
    const server = await dovecot();
    const hand = await witness(server);
    for (const name of ['Trash', 'Gesendete Elemente', 'Rechnungen']) await hand.put([name], { bytes: plain(name) });
    const found = await all(closing(openSource(server, 'anna')).containers(never));
    expect(Object.fromEntries(found.map((one) => [one.path.join('/'), one.role]))).toEqual({
      INBOX: 'inbox',
      Trash: 'trash',
      'Gesendete Elemente': 'sent',
      Rechnungen: undefined,
    });
  });
});

describe('limits of a target', () => {
  it('refuses before sending what is over APPENDLIMIT, and stores the rest', async () => {
    const server = await dovecot({ appendLimit: 5000 });
    const target = closing(openTarget(server, 'anna'));
    const inbox = await target.ensure({ path: ['INBOX'] }, never);
    const answers = await apply(target, inbox, [
      create('small', plain(1)),
      create('large', large(6000)),
      create('other', plain(2)),
    ]);
    expect(answers.get('large')).toMatchObject({ reason: expect.stringContaining('5000') });
    expect([written(answers, 'small').ref, written(answers, 'other').ref]).toEqual(['0000000001', '0000000002']);
    expect(await target.describe(never)).toContainEqual({ name: 'largest message', value: '5000 bytes' });
  });

  it('says quota when there is no room, and goes on when there is', async () => {
    const server = await dovecot({ quota: '*:messages=3' });
    const hand = await witness(server);
    const target = closing(openTarget(server, 'anna'));
    const inbox = await target.ensure({ path: ['INBOX'] }, never);
    const writes = [1, 2, 3, 4].map((n) => create(`t${n}`, plain(n)));
    await expect(apply(target, inbox, writes)).rejects.toMatchObject({ code: 'quota' });
    expect(await hand.messages(['INBOX'])).toEqual([]);
    expect((await apply(target, inbox, writes.slice(0, 3))).size).toBe(3);
    expect((await target.describe(never)).filter((one) => one.problem)).toMatchObject([
      { name: 'quota message', value: '3 of 3' },
    ]);
  });

  it('refuses what is written into a folder that this login may only read, item by item, and writes on elsewhere', async () => {
    const acl = 'mail_plugins = acl\nprotocol imap {\n  mail_plugins = acl imap_acl\n}\nplugin {\n  acl = vfile\n}';
    const server = await dovecot({ extra: acl });
    const target = closing(openTarget(server, 'anna'));
    for (const rights of ['lr', 'lrw', 'lrwst']) {
      const made = await target.ensure({ path: [rights], subscribed: false }, never);
      await writeFile(join(server.mailDir('anna'), `.${rights}`, 'dovecot-acl'), `owner ${rights}\n`);
      const later = closing(openTarget(server, 'anna'));
      const answers = await apply(later, made, [create('a', plain('1')), create('b', plain('2'))]);
      expect([...answers.keys()]).toEqual(['a', 'b']);
      for (const answer of answers.values())
        expect(answer).toMatchObject({ reason: expect.stringMatching(/read-only|NOPERM/) });
      const inbox = await later.ensure({ path: ['INBOX'], subscribed: false }, never);
      expect(written(await apply(later, inbox, [create('c', plain(rights))]), 'c').ref).toBeDefined();
    }
  });

  it('removes and moves nothing that others marked \\Deleted', async () => {
    for (const withoutCapabilities of [[], ['MOVE']]) {
      const server = await dovecot({ withoutCapabilities });
      const hand = await witness(server);
      const keys: string[] = [];
      for (let n = 0; n < 3; n++)
        keys.push(await hand.put(['INBOX'], { bytes: plain(n), flags: n === 0 ? ['\\Deleted'] : [] }));
      const target = closing(openTarget(server, 'anna'));
      const inbox = await target.ensure({ path: ['INBOX'] }, never);
      const to = await target.ensure({ path: ['Other'] }, never);
      const [, moved = '', removed = ''] = keys;
      const answers = await apply(target, inbox, [
        { op: 'move', token: 'm', ref: moved, to },
        { op: 'remove', token: 'r', ref: removed },
      ]);
      expect([written(answers, 'm').ref, written(answers, 'r').ref]).toEqual(['0000000001', removed]);
      expect((await hand.messages(['INBOX'])).map((one) => one.bytes)).toEqual([plain(0)]);
      expect((await hand.messages(['Other'])).map((one) => one.bytes)).toEqual([plain(1)]);
    }
  });

  it('carries a message of 35 MB both ways', async () => {
    const server = await dovecot();
    const body = large(35_000_000);
    const target = closing(openTarget(server, 'anna'));
    const inbox = await target.ensure({ path: ['INBOX'] }, never);
    const ref = written(await apply(target, inbox, [create('big', body), create('after', plain(1))]), 'big')
      .ref as string;
    expect(await all(target.readBack(inbox, [ref], never))).toMatchObject([
      { ref, digest: digestMail(body), bytes: body.length },
    ]);
  });
});

describe('poison', () => {
  /** Puts a folder where message `mark` of `plain` was: Dovecot then cannot read it. */
  async function poison(server: Dovecot, mark: number): Promise<void> {
    // Nothing but an EXAMINE has been here, so the messages still lie in `new`. Their names do not sort as they arrived:
    // Dovecot writes the microseconds in them without zeros in front.
    const dir = join(server.mailDir('anna'), 'new');
    for (const name of await readdir(dir)) {
      const path = join(dir, name);
      if (!(await readFile(path, 'utf8')).includes(`This is message ${mark}.`)) continue;
      await rm(path);
      await mkdir(path, { mode: 0o700 });
      return;
    }
    throw new Error(`no file in ${dir} holds message ${mark}`);
  }

  it.each(['disconnect-immediately', 'no-after'])(
    'passes by a message the server cannot read (%s)',
    async (failure) => {
      const server = await dovecot({ extra: `imap_fetch_failure = ${failure}` });
      const hand = await witness(server);
      for (let n = 0; n < 9; n++) await hand.put(['INBOX'], { bytes: plain(n) });
      const source = closing(openSource(server, 'anna'));
      const container = await containerAt(source, ['INBOX']);
      const items = await entries(source.list(container, undefined, never));
      await poison(server, 4);
      const answers = await all(source.read(container, items, never));
      expect(answers.map((one) => ('key' in one ? one.key : 'refused'))).toEqual(
        items.map((item, n) => (n === 4 ? 'refused' : item.key)),
      );
      expect(answers[4]).toMatchObject({ refused: items[4]?.key, reason: expect.stringMatching(/server/) });
    },
  );
});

describe('cuts', () => {
  it('reads on after a connection that broke in the middle of a literal', async () => {
    const server = await dovecot();
    const hand = await witness(server);
    for (let n = 0; n < 5; n++) await hand.put(['INBOX'], { bytes: large(50_000 + n) });
    const source = closing(openSource(await proxied(server, { cutAfterServerBytes: 120_000, cuts: 1 }), 'anna'));
    const container = await containerAt(source, ['INBOX']);
    const items = await entries(source.list(container, undefined, never));
    const bodies = (await all(source.read(container, items, never))).map((one) => digestMail(bodyOf(one)));
    expect(bodies).toEqual([0, 1, 2, 3, 4].map((n) => digestMail(large(50_000 + n))));
  });

  it('scans from an anchor on, and not what stood there before', async () => {
    const server = await dovecot();
    const hand = await witness(server);
    await hand.put(['INBOX'], { bytes: plain('old') });
    const target = closing(openTarget(server, 'anna'));
    const inbox = await target.ensure({ path: ['INBOX'] }, never);
    const anchor = await target.anchor(inbox, never);
    const ref = await hand.put(['INBOX'], { bytes: plain('new') });
    const seen = await entries(target.scan(inbox, async () => new Set(), never, anchor));
    expect(seen).toMatchObject([{ ref, digest: digestMail(plain('new')) }]);
  });

  it('throws in a write that was cut, and afterwards locates exactly what landed', async () => {
    const server = await dovecot({ withoutCapabilities: ['MULTIAPPEND'] });
    const hand = await witness(server);
    const direct = closing(openTarget(server, 'anna'));
    const inbox = await direct.ensure({ path: ['INBOX'] }, never);
    const anchor = await direct.anchor(inbox, never);
    const cut = closing(openTarget(await proxied(server, { cutAfterClientBytes: 100_000 }), 'anna'));
    const writes = Array.from({ length: 10 }, (_, n) => create(`t${n}`, large(20_000 + 80 * n)));
    await expect(apply(cut, inbox, writes)).rejects.toMatchObject({ code: 'unavailable' });
    // Dovecot may still be storing what had arrived; the engine waits for quietMs here.
    await expect.poll(async () => (await hand.messages(['INBOX'])).length).toBe(4);
    const intents = writes.map((write) => ({ token: write.token, digest: 'digest' in write ? write.digest : '' }));
    const found = await all(direct.locate(inbox, intents, anchor, async () => new Set(), never));
    expect(
      found
        .filter((one) => one.found === 'landed')
        .map((one) => one.token)
        .sort(),
    ).toEqual(['t0', 't1', 't2', 't3']);
    expect(found.filter((one) => one.found === 'absent').length).toBe(6);
  });
});

describe('change tracking', () => {
  it('tells what is new and changed with CONDSTORE alone, and asks for a listing when something is gone', async () => {
    const server = await dovecot({ withoutCapabilities: ['QRESYNC'] });
    const hand = await witness(server);
    const keys: string[] = [];
    for (let n = 0; n < 3; n++) keys.push(await hand.put(['INBOX'], { bytes: plain(n) }));
    const source = closing(openSource(server, 'anna'));
    const before = await containerAt(source, ['INBOX']);
    await hand.setFlags(['INBOX'], keys[1] as string, ['\\Seen']);
    keys.push(await hand.put(['INBOX'], { bytes: plain('new') }));
    const changes = source.changes?.bind(source) as NonNullable<typeof source.changes>;
    const told = await entries(changes(before, before.token as string, never));
    expect(told.map((one) => one.change === 'upsert' && one.item.key)).toEqual([keys[1], keys[3]]);
    await hand.remove(['INBOX'], keys[0] as string);
    await expect(entries(changes(before, before.token as string, never))).rejects.toMatchObject({
      code: 'cursor-lost',
    });
  });

  it('lists a message marked \\Deleted without the mark, and moves it', async () => {
    const server = await dovecot();
    const hand = await witness(server);
    await hand.put(['INBOX'], { bytes: plain(1), flags: ['\\Deleted', '\\Seen'] });
    const source = closing(openSource(server, 'anna'));
    expect((await itemsAt(source, ['INBOX'])).map((item) => item.meta?.flags)).toEqual([['\\Seen']]);
  });

  it('lists 5,000 messages page by page, and reads while it lists', async () => {
    const server = await dovecot();
    const target = closing(openTarget(server, 'anna'));
    const inbox = await target.ensure({ path: ['INBOX'] }, never);
    await apply(
      target,
      inbox,
      Array.from({ length: 5000 }, (_, n) => create(`t${n}`, plain(n))),
    );
    const source = closing(openSource(server, 'anna'));
    const container = await containerAt(source, ['INBOX']);
    let read = 0;
    for await (const page of source.list(container, undefined, never)) {
      for await (const answer of source.read(container, page.entries, never)) if ('body' in answer) read++;
    }
    expect(read).toBe(5000);
  });
});

describe('a mailbox that is taken from its disk while a session has it open', () => {
  it('is seen to be gone by the next run, though the session was kept', async () => {
    const server = await dovecot();
    const target = closing(openTarget(server, 'anna'));
    const inbox = await target.ensure({ path: ['INBOX'] }, never);
    const work = await target.ensure({ path: ['Work'] }, never);
    for (const container of [work, inbox]) await apply(target, container, [create('1', plain('one'))]);
    const mail = server.mailDir('anna');
    for (const name of await readdir(mail)) await rm(join(mail, name), { recursive: true });

    // Dovecot makes an inbox anew, or says that it was deleted.
    const inInbox = target.standing?.(inbox, never).then(
      (standing) => standing?.items,
      ({ code }) => code,
    );
    expect([0, 'refused']).toContain(await inInbox);
    await expect(target.standing?.(work, never)).rejects.toMatchObject({ code: 'refused' });
    expect(await target.ensure({ path: ['Work'] }, never)).toMatchObject({ created: true, items: 0 });
  });
});
