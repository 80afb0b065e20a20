/** A mailbox whose server lies, from spec to report: what does not add up is named, and never called complete or gone. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Selection } from '../../schemas/spec.js';
import { never } from '../conformance/collect.js';
import { openSource } from '../servers/imap-account.js';
import type { LyingImap } from '../servers/lying-imap.js';
import { folderOf, inOneReply, LyingFolder, message, startLyingImap } from '../servers/lying-imap.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let imap: LyingImap;
let world: World;
let dir: string;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lies-'));
});
afterEach(async () => {
  await world?.close();
  await imap?.stop();
  await rm(dir, { recursive: true, force: true });
});

function system(username = '{account}') {
  const options = { host: imap.host, port: imap.port, tls: 'none', auth: { username, password: { env: 'PASSWORD' } } };
  return { type: 'imap', options };
}

async function imapWorld(
  folders: Record<string, LyingFolder>,
  selection: Partial<Selection> = {},
  capabilities = '',
): Promise<void> {
  imap = await startLyingImap({ folders, capabilities });
  const systems = { old: system(), new: { type: 'maildir', options: { path: join(dir, 'maildir') } } };
  world = createWorld(server.ledger, { systems, selection });
}

/** The lines of the report that are no plain success, as `outcome: reason`. */
async function exceptions(): Promise<string[]> {
  const { rows } = await reportOf(world, server.ledger);
  return rows.filter(({ outcome }) => outcome !== 'verified').map(({ outcome, reason }) => `${outcome}: ${reason}`);
}

describe('a folder whose server', () => {
  it('leaves messages out of FETCH names them, and the others arrive', async () => {
    const left = {
      describe: (told: { uid: number }) => ([2, 4].includes(told.uid) ? [] : [inOneReply(told as never)]),
    };
    await imapWorld({ INBOX: folderOf(5, left) });
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { items: 5, verified: 3, failures: 2 } });
    const refused = expect.stringMatching(/^refused: .*names the message and does not describe it/);
    expect(await exceptions()).toEqual([refused, refused]);
    expect((await reportOf(world, server.ledger)).verdict.complete).toBe(false);
  });

  it.each([
    ['without tokens', ''],
    ['that says nothing has changed', 'CONDSTORE'],
  ])('describes them later brings them with their flags in the next run, %s', async (_, capabilities) => {
    let silent = true;
    const lies = { describe: (told: { uid: number }) => (silent && told.uid === 2 ? [] : [inOneReply(told as never)]) };
    await imapWorld({ INBOX: folderOf(3, lies) }, {}, capabilities);
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 2, failures: 1 } });
    silent = false;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 3, failures: 0 } });
    expect(await exceptions()).toEqual([]);
    expect((await reportOf(world, server.ledger)).rows.map(({ reason }) => reason)).toEqual(['', '', '']);
  });

  it('does not describe what has arrived takes nothing from it', async () => {
    let silent = false;
    const lies = { describe: (told: { uid: number }) => (silent && told.uid === 2 ? [] : [inOneReply(told as never)]) };
    await imapWorld({ INBOX: folderOf(3, lies) }, { deletions: 'mirror' });
    await world.run();
    silent = true;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 3, failures: 0 } });
    const { rows } = await reportOf(world, server.ledger);
    expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual(Array(3).fill(['verified', '']));
    // Its flags are as they were.
    const names = await readdir(join(dir, 'maildir', 'cur'));
    expect(names.map((name) => name.slice(name.indexOf(':2,')))).toEqual([':2,S', ':2,S', ':2,S']);
  });

  it('counts more than it names is named, and is not done', async () => {
    await imapWorld({ INBOX: folderOf(5, { count: (held) => held + 5 }), Work: folderOf(2) });
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 7, failures: 1 } });
    expect(await exceptions()).toEqual([expect.stringMatching(/^refused: .*INBOX.*counts 10 .*names 5/)]);
    expect((await reportOf(world, server.ledger)).verdict.complete).toBe(false);
  });

  it('forgets half of what it has loses nothing of it under mirror', async () => {
    let forgets = false;
    await imapWorld(
      { INBOX: folderOf(6, { search: (uids) => (forgets ? uids.filter((uid) => uid % 2 === 0) : uids) }) },
      { deletions: 'mirror', maxDeletions: 1 },
    );
    await world.run();
    forgets = true;
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 6, failures: 1 } });
    forgets = false;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 6, failures: 0 } });
    const { rows } = await reportOf(world, server.ledger);
    expect(rows.length).toBe(6);
  });

  it('is written to all the time ends done', async () => {
    await imapWorld({ INBOX: folderOf(20, { meanwhile: (self) => void self.put(message(100 + self.uidNext)) }) });
    expect(await world.run()).toMatchObject({ state: 'done', totals: { failures: 0 } });
  });

  it('gives bodies that are none names those, and the others arrive', async () => {
    const body = ({ uid, bytes }: { uid: number; bytes: Buffer }) =>
      ({ 2: '""', 3: Buffer.alloc(0), 4: 'NIL', 5: bytes.subarray(0, 60) })[uid] ?? bytes;
    await imapWorld({ INBOX: folderOf(6, { body }) });
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { items: 6, verified: 2, failures: 4 } });
    expect(await exceptions()).toEqual([
      expect.stringMatching(/gave 0/),
      expect.stringMatching(/gave 0/),
      expect.stringMatching(/no content/),
      expect.stringMatching(/gave 60: it ends within its headers/),
    ]);
  });

  it('tells flags that cannot be read costs those messages alone', async () => {
    const folder = folderOf(4);
    folder.put(message(5), { flags: '\\Seen a(b' });
    folder.messages.at(-1)?.flags;
    const lies = {
      describe: (told: { uid: number; flags: string }) =>
        told.uid === 5 ? [inOneReply({ ...told, flags: '(\\Seen a(b' } as never)] : [inOneReply(told as never)],
    };
    await imapWorld({ INBOX: Object.assign(new LyingFolder(lies), { messages: folder.messages, uidNext: 6 }) });
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { items: 5, verified: 4, failures: 1 } });
    expect(await exceptions()).toEqual([expect.stringMatching(/does not describe it: .*could not be read/)]);
  });

  it('tells no date says so with each message that arrived', async () => {
    const folder = folderOf(1);
    folder.put(message(2), { date: '"00-Jan-0000 00:00:00 +0000"' });
    await imapWorld({ INBOX: folder });
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 2 } });
    const { rows } = await reportOf(world, server.ledger);
    expect(rows.map(({ reason }) => reason)).toEqual([
      '',
      'the source tells no date of arrival; its copy has 2020-03-03T09:11:12+00:00',
    ]);
  });
});

describe('folders', () => {
  it('that both stand for the trash stay two', async () => {
    await imapWorld({ INBOX: folderOf(1), 'Deleted Messages': folderOf(2), Trash: folderOf(3) });
    for (let run = 1; run <= 2; run++) {
      expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 6 } });
      const { folders } = await reportOf(world, server.ledger);
      expect(folders.map(({ folder, items }) => [folder.join('/'), items])).toEqual(
        expect.arrayContaining([
          ['Deleted Messages', 2],
          ['Trash', 3],
        ]),
      );
      const rows = await server.ledger.pool.query(
        `select c.target_key from container c join pairing p on p.id = c.pairing join place on place.id = p.target
         where place.proof like $1 order by c.target_key`,
        [`%${join(dir, 'maildir')}`],
      );
      expect(rows.rows.map(({ target_key }) => target_key)).toEqual(['', '.Deleted Messages', '.Trash']);
    }
  });

  it('with names that are too long for the target cost themselves', async () => {
    await imapWorld({ INBOX: folderOf(1), plain: folderOf(1), [`&${'2D7dhA'.repeat(45)}-`]: folderOf(1) });
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 2 } });
    expect((await exceptions()).join()).toMatch(/ENAMETOOLONG.*shorter name/);
  });
});

describe('two logins', () => {
  it('are two mailboxes, whatever the accounts are called', async () => {
    imap = await startLyingImap({ folders: { INBOX: folderOf(1) } });
    const { proof } = await openSource(imap, 'dst', { auth: { username: 'anna' } }).place(never);
    for (const login of ['anna', 'bela']) {
      world = createWorld(server.ledger, {
        systems: { old: system(login), new: { type: 'maildir', options: { path: join(dir, login) } } },
        selection: { accounts: [{ from: 'dst', to: 'anna' }] },
      });
      expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 1 } });
      if (login === 'anna') await world.close();
    }
    const like = proof.replace(/anna$/, '%');
    const { rows } = await server.ledger.pool.query('select proof from place where proof like $1 order by proof', [
      like,
    ]);
    expect(rows.map((row) => row.proof)).toEqual([proof, proof.replace(/anna$/, 'bela')]);
  });
});
