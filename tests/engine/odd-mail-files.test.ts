/** Odd Maildirs and mbox trees, from the spec to the report: what is there arrives or is named, and nothing else is "done". */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { plan } from '../../engine/plan/plan.js';
import { specHash } from '../../schemas/hash.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let dir = '';
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-odd-mail-'));
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

const mail = (subject: string) => `From: a@example.org\nSubject: ${subject}\n\nhello\n`;
const FROM = 'From a@b Tue Mar  3 10:11:12 2020\n';

/** `name`: bytes as latin1, below the source. */
async function put(name: string, content: string | Buffer = mail(name)): Promise<void> {
  const file = Buffer.from(join(dir, 'from', name), 'latin1');
  await mkdir(file.subarray(0, file.lastIndexOf('/')), { recursive: true });
  await writeFile(file, content, 'latin1');
}

function begin(type: 'maildir' | 'mbox', options: { layout?: string } = {}): void {
  world = createWorld(server.ledger, {
    systems: {
      old: { type, options: { path: join(dir, 'from'), ...options } },
      new: { type: 'maildir', options: { path: join(dir, 'to') } },
    },
  });
}

async function failures(): Promise<string[]> {
  const { rows } = await reportOf(world, server.ledger);
  return rows
    .filter(({ outcome }) => outcome === 'refused' || outcome === 'quarantined')
    .map((row) => Object.values(row).join(' '));
}

/** What stands in the target by an independent look: folder and text. */
async function arrived(): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(join(dir, 'to'), { recursive: true })) {
    const file = join(dir, 'to', name);
    if (!/(?:^|\/)cur\//.test(name) || !(await stat(file)).isFile()) continue;
    const subject = /^Subject: (.*)$/m.exec(await readFile(file, 'latin1'))?.[1] ?? 'no mail';
    found.push(`${dirname(dirname(name))} ${subject}`);
  }
  return found.sort();
}

describe('a Maildir', () => {
  it('of compressed messages arrives unpacked; what cannot be unpacked fails alone', async () => {
    await put('cur/1.a:2,S', gzipSync(mail('one')));
    await put('cur/1.b:2,S', mail('two'));
    await put('cur/1.c:2,S', Buffer.from('(\xb5/\xfd zstd', 'latin1'));
    begin('maildir');

    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 2, failures: 1, pending: 0 } });
    expect(await arrived()).toEqual(['. one', '. two']);
    expect(await failures()).toEqual([expect.stringMatching(/1\.c .*compressed \(zstd\)/)]);

    await put('cur/1.c:2,S', mail('three'));
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 3, failures: 0 } });
    expect(await arrived()).toEqual(['. one', '. three', '. two']);
  });

  it('with names that are no UTF-8 arrives whole, and once, whatever flags change', async () => {
    await put('cur/1.h\xfcgel:2,', mail('file'));
    await put('cur/2.twin:2,', mail('twin one'));
    await put('cur/2.twin:2,S', mail('twin two'));
    await put('.Entw\xfcrfe-alt/new/3', mail('folder'));
    begin('maildir');
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 4, failures: 0 } });

    const cur = join(dir, 'from', 'cur/');
    const raw = (name: string) => Buffer.from(`${cur}${name}`, 'latin1');
    await rename(raw('1.h\xfcgel:2,'), raw('1.h\xfcgel:2,FS'));
    await rename(raw('2.twin:2,S'), raw('2.twin:2,RS'));
    await utimes(cur, new Date(), new Date(Date.now() - 60_000));

    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 4, failures: 0, items: 4 } });
    expect(await arrived()).toEqual(['. file', '. twin one', '. twin two', '.Entw&APw-rfe-alt folder']);
    expect((await readdir(join(dir, 'to', 'cur'))).map((name) => name.split(':2,')[1]).sort()).toEqual([
      '',
      'FS',
      'RS',
    ]);
  });

  it('with a folder of another layout is not done, names it, and is once the layout is right or the folder excluded', async () => {
    await put('cur/1:2,S', mail('inbox'));
    await put('Work/cur/2:2,S', mail('work'));
    begin('maildir');

    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 1 } });
    expect((await failures()).join()).toMatch(/Work.*another layout/);
    const excluded = { exclude: { folders: ['Work'] } };
    expect(await world.run({ selection: excluded })).toMatchObject({ state: 'done', totals: { failures: 0 } });

    await world.close();
    begin('maildir', { layout: 'fs' });
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0 } });
    expect(await arrived()).toEqual(['. inbox', '.Work work']);
  });

  it('that is none is not done with nothing to move', async () => {
    await put('1.emlx', mail('apple'));
    begin('maildir');

    expect(await world.run()).toMatchObject({ state: 'failed', totals: { failures: 1 } });
    expect((await failures()).join()).toMatch(/Apple Mail/);
  });
});

describe('an mbox tree', () => {
  it('of which some files begin oddly moves the others, names each, and is done once they are mended', async () => {
    await put('Good', `${FROM}${mail('good')}\n`);
    await put('blank.mbox', `\n${FROM}${mail('blank')}\n`);
    await put('Bom', `\xef\xbb\xbf${FROM}${mail('bom')}\n`);
    await put('old.mbox.gz', gzipSync(`${FROM}${mail('packed')}\n`));
    await put('notes.txt', 'no mail at all\n');
    begin('mbox');

    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 3 } });
    expect(await arrived()).toEqual(['.Good good']);
    const named = (await failures()).join('\n');
    for (const name of ['blank', 'Bom', 'old.mbox.gz']) expect(named).toContain(name);

    await put('blank.mbox', `${FROM}${mail('blank')}\n`);
    await put('Bom', `${FROM}${mail('bom')}\n`);
    await rm(join(dir, 'from', 'old.mbox.gz'));
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 3, failures: 0 } });
    expect(await arrived()).toEqual(['.Bom bom', '.Good good', '.blank blank']);
  });

  it('of which one cannot be listed is planned without it, and the plan names it', async () => {
    await put('Good', `${FROM}${mail('good')}\n`);
    await put('blank.mbox', `\n${FROM}${mail('blank')}\n`);
    await put('z last', `${FROM}${mail('last')}\n`);
    begin('mbox');
    const { spec, deps } = world;
    const asked = { spec, specHash: specHash(spec), dryRun: false };

    const { totals, problems } = await plan(deps, asked, new AbortController().signal, () => {});

    expect(totals).toMatchObject({ create: 2 });
    expect(problems.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/^blank: no "From " line at byte 0/),
    ]);
  });

  it('says with a message what of it could not be told for certain, also after its flags changed', async () => {
    await put('x', 'From -\nSubject: undated\nStatus: O\n\ntext\n\n');
    begin('mbox');
    const said = async () => (await reportOf(world, server.ledger)).rows.map(({ reason }) => reason);

    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 1, failures: 0 } });
    expect(await said()).toEqual([expect.stringMatching(/^from the source: no date could be read/)]);

    await put('x', 'From -\nSubject: undated\nStatus: R\n\ntext\n\n');
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, failures: 0 } });
    expect(await said()).toEqual([expect.stringMatching(/^from the source: no date could be read/)]);
  });
});
