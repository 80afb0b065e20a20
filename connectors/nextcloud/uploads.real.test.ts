/** Large files on an emulated Nextcloud: in parts, by several sessions, with the endings that servers have. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DavProxy } from '../../tests/servers/dav-proxy.js';
import { startDavProxy } from '../../tests/servers/dav-proxy.js';
import type { Nextcloud } from '../../tests/servers/nextcloud.js';
import { startNextcloud } from '../../tests/servers/nextcloud.js';
import type { Sessions } from '../../tests/servers/nextcloud-account.js';
import { NEVER, sessionsOn, TARGET_ROOT } from '../../tests/servers/nextcloud-account.js';
import type { Upload, Uploads, WriteAnswer } from '../contract.js';
import { BLOCK_BYTES } from '../kinds/files.js';

const CONTENT = randomBytes(2 * BLOCK_BYTES + 1_234_567);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const MODIFIED = '2020-09-13T12:26:40.000Z';

let nextcloud: Nextcloud;
let proxy: DavProxy;
let sessions: Sessions;
let count = 0;

beforeAll(async () => {
  nextcloud = await startNextcloud();
  proxy = await startDavProxy(nextcloud);
});
beforeEach(() => {
  sessions = sessionsOn(nextcloud, proxy.url);
});
afterEach(async () => {
  sessions.close();
  proxy.clear();
  expect(nextcloud.forbiddenRequests()).toBe(0);
  await nextcloud.expireUploads();
});
afterAll(async () => {
  await proxy?.stop();
  await nextcloud?.stop();
});

function uploadOf(more: Partial<Upload> = {}): Upload {
  const n = ++count;
  const meta = { type: 'file', modified: MODIFIED };
  return { token: `t-${n}`, path: `large/${n}.bin`, bytes: CONTENT.length, partBytes: BLOCK_BYTES, meta, ...more };
}

function uploads(): Uploads {
  return sessions.target().uploads;
}

async function* contentOf(part: number, content = CONTENT): AsyncGenerator<Uint8Array> {
  const whole = content.subarray(part * BLOCK_BYTES, (part + 1) * BLOCK_BYTES);
  for (let at = 0; at < whole.length; at += 65_536) yield whole.subarray(at, at + 65_536);
}

async function sendParts(to: Uploads, upload: Upload, parts: readonly number[], content = CONTENT): Promise<void> {
  for (const part of parts) await to.send(TARGET_ROOT, upload, part, contentOf(part, content), NEVER);
}

async function begun(upload: Upload, parts: readonly number[] = [0, 1, 2]): Promise<Uploads> {
  const to = uploads();
  await to.begin(TARGET_ROOT, upload, NEVER);
  await sendParts(to, upload, parts);
  return to;
}

const finish = (to: Uploads, upload: Upload, version?: string): Promise<WriteAnswer> =>
  to.finish(TARGET_ROOT, upload, version, NEVER);

async function hashThere(path: string): Promise<string> {
  const body = await (await nextcloud.ask('GET', path)).arrayBuffer();
  return createHash('sha256').update(Buffer.from(body)).digest('hex');
}

async function versionThere(path: string): Promise<string> {
  const { headers } = await nextcloud.ask('GET', path);
  return headers.get('etag')?.replaceAll('"', '') ?? '';
}

describe('sending', () => {
  it('goes on in another session with the parts that are missing', async () => {
    const upload = uploadOf();
    await begun(upload, [2, 0]);
    sessions.close();
    sessions = sessionsOn(nextcloud, proxy.url);
    const to = uploads();
    await to.begin(TARGET_ROOT, upload, NEVER);
    expect([...(await to.acknowledged(TARGET_ROOT, upload, NEVER))].sort()).toEqual([0, 2]);
    await sendParts(to, upload, [1]);
    const answer = await finish(to, upload);
    expect(answer).toEqual({ token: upload.token, ref: upload.path, version: await versionThere(upload.path) });
    expect(await hashThere(upload.path)).toBe(SHA256);
    const there = await nextcloud.ask('HEAD', upload.path);
    expect(there.headers.get('last-modified')).toBe(new Date(MODIFIED).toUTCString());
    expect(await nextcloud.uploads()).toEqual([]);
  });

  it('does not acknowledge what a dead sender left, and replaces it', async () => {
    const upload = uploadOf();
    const to = await begun(upload, []);
    const cut = new Error('no fault, but whatever the source throws');
    async function* dying(): AsyncGenerator<Uint8Array> {
      yield CONTENT.subarray(0, 1_000_000);
      throw cut;
    }
    await expect(to.send(TARGET_ROOT, upload, 0, dying(), NEVER)).rejects.toBe(cut);
    expect([...(await to.acknowledged(TARGET_ROOT, upload, NEVER))]).toEqual([]);
    await sendParts(to, upload, [0]);
    expect([...(await to.acknowledged(TARGET_ROOT, upload, NEVER))]).toEqual([0]);
  });

  it('does not acknowledge a part of another length', async () => {
    const upload = uploadOf();
    const to = await begun(upload, [0]);
    const short = { ...upload, bytes: 1_000, partBytes: 1_000 };
    async function* thousand(): AsyncGenerator<Uint8Array> {
      yield CONTENT.subarray(0, 1_000);
    }
    await to.send(TARGET_ROOT, short, 0, thousand(), NEVER);
    expect([...(await to.acknowledged(TARGET_ROOT, upload, NEVER))]).toEqual([]);
  });

  it('tells a part that has another length than the file', async () => {
    const upload = uploadOf();
    const to = await begun(upload, []);
    const short = contentOf(2);
    await expect(to.send(TARGET_ROOT, upload, 0, short, NEVER)).rejects.toMatchObject({ code: 'source-changed' });
  });

  it('notices a part that arrived damaged, and does not acknowledge it', async () => {
    const upload = uploadOf();
    const to = await begun(upload, [0]);
    nextcloud.damage(1);
    await expect(sendParts(to, upload, [1])).rejects.toMatchObject({ code: 'unavailable' });
    expect([...(await to.acknowledged(TARGET_ROOT, upload, NEVER))]).toEqual([0]);
    await sendParts(to, upload, [1, 2]);
    await finish(to, upload);
    expect(await hashThere(upload.path)).toBe(SHA256);
  });

  it('says that an expired upload is gone', async () => {
    const upload = uploadOf();
    const to = await begun(upload, [0, 1]);
    await nextcloud.expireUploads();
    expect([...(await to.acknowledged(TARGET_ROOT, upload, NEVER))]).toEqual([]);
    await expect(sendParts(to, upload, [2])).rejects.toMatchObject({ code: 'not-found' });
    await expect(finish(to, upload)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('tells a full account before a part is stored', async () => {
    const upload = uploadOf();
    const to = await begun(upload, []);
    nextcloud.set({ quota: 1_000 });
    try {
      await expect(sendParts(to, upload, [0])).rejects.toMatchObject({ code: 'quota' });
    } finally {
      nextcloud.set({ quota: 1_000_000_000 });
    }
  });

  it('works with an object storage, which tells no hashes and names parts without zeros', async () => {
    nextcloud.set({ objectStorage: true });
    try {
      const upload = uploadOf();
      const to = await begun(upload, [0, 1]);
      expect([...(await to.acknowledged(TARGET_ROOT, upload, NEVER))]).toEqual([0, 1]);
      await sendParts(to, upload, [2]);
      await finish(to, upload);
      expect(await hashThere(upload.path)).toBe(SHA256);
    } finally {
      nextcloud.set({ objectStorage: false });
    }
  });

  it('takes itself away', async () => {
    const upload = uploadOf();
    const to = await begun(upload, [0]);
    await to.abort(TARGET_ROOT, upload, NEVER);
    await to.abort(TARGET_ROOT, upload, NEVER);
    expect(await nextcloud.uploads()).toEqual([]);
  });

  it('cuts files into no more than 10,000 parts, of the size that the server allows', async () => {
    const MiB = 1024 * 1024;
    expect(await uploads().partBytes(20 * 1024 * MiB, NEVER)).toBe(64 * MiB);
    const most = await uploads().partBytes(2_000 * 1024 * MiB, NEVER);
    expect((2_000 * 1024 * MiB) / most).toBeLessThanOrEqual(10_000);
    expect(most % BLOCK_BYTES).toBe(0);
    nextcloud.set({ maxChunkBytes: 30 * MiB });
    expect(await uploads().partBytes(20 * 1024 * MiB, NEVER)).toBe(24 * MiB);
    nextcloud.set({ maxChunkBytes: 100 * MiB });
    const small = sessions.target({ partBytes: 10 * MiB }).uploads;
    expect(await small?.partBytes(20 * 1024 * MiB, NEVER)).toBe(8 * MiB);
  });
});

describe('putting in place', () => {
  it('leaves what stands there, and the parts', async () => {
    const upload = uploadOf({ path: 'taken.bin' });
    const to = await begun(upload);
    await nextcloud.ask('PUT', 'taken.bin', {}, Buffer.from('a person'));
    expect(await finish(to, upload)).toMatchObject({ conflicted: upload.token, ref: 'taken.bin' });
    expect(await hashThere('taken.bin')).toBe(createHash('sha256').update('a person').digest('hex'));
    const known = await versionThere('taken.bin');
    await nextcloud.ask('PUT', 'taken.bin', {}, Buffer.from('the person again'));
    expect(await finish(to, upload, known)).toMatchObject({ conflicted: upload.token });
    expect(await finish(to, upload, await versionThere('taken.bin'))).toMatchObject({ ref: 'taken.bin' });
    expect(await hashThere('taken.bin')).toBe(SHA256);
  });

  it('takes a copy that is gone for a conflict', async () => {
    const upload = uploadOf();
    const to = await begun(upload);
    expect(await finish(to, upload, 'a1b2')).toMatchObject({ conflicted: upload.token });
  });

  it('knows what has landed when it is asked again', async () => {
    const upload = uploadOf();
    const to = await begun(upload);
    const first = await finish(to, upload);
    expect(await finish(to, upload)).toEqual(first);
    expect(await finish(to, upload, 'the version before')).toEqual(first);
  });

  it.each(['before', 'after'] as const)('finds out when the connection is cut %s the server did it', async (cut) => {
    const upload = uploadOf();
    const to = await begun(upload);
    const { used } = proxy.add({ when: ({ method }) => method === 'MOVE', times: 1, cut });
    expect(used).toBe(0);
    expect(await finish(to, upload)).toMatchObject({ ref: upload.path, version: await versionThere(upload.path) });
    expect(await hashThere(upload.path)).toBe(SHA256);
  });

  it('takes 504, then 423, then a file for success', async () => {
    const upload = uploadOf();
    const to = await begun(upload);
    const assembly = nextcloud.slowAssembly();
    const answers: number[] = [];
    // The file lands only after the client has been told twice that it is locked.
    proxy.add({
      when: ({ method }) => method === 'MOVE',
      answer: (reply) => {
        answers.push(reply.status);
        if (answers.filter((one) => one === 423).length === 2) void assembly.land();
        return reply;
      },
    });
    expect(await finish(to, upload)).toMatchObject({ ref: upload.path });
    expect(answers.slice(0, 3)).toEqual([504, 423, 423]);
    expect(await hashThere(upload.path)).toBe(SHA256);
    expect(await nextcloud.uploads()).toEqual([]);
  });

  it('is found by another session after a 504 that nobody waited for', async () => {
    const upload = uploadOf();
    const to = await begun(upload);
    const assembly = nextcloud.slowAssembly();
    const left = new AbortController();
    const gone = to.finish(TARGET_ROOT, upload, undefined, left.signal);
    proxy.add({
      when: ({ method }) => method === 'PROPFIND',
      times: 1,
      meanwhile: () => left.abort(new Error('killed')),
    });
    await expect(gone).rejects.toThrow('killed');
    await assembly.land();
    const later = sessionsOn(nextcloud);
    expect(await later.target().uploads.finish(TARGET_ROOT, upload, undefined, NEVER)).toMatchObject({
      ref: upload.path,
    });
    later.close();
    expect(await hashThere(upload.path)).toBe(SHA256);
  });

  it('asks again when the 504 was the end of it', async () => {
    const upload = uploadOf();
    const to = await begun(upload);
    const lost = proxy.add({
      when: ({ method }) => method === 'MOVE',
      times: 1,
      reply: () => ({ status: 504, headers: {}, body: Buffer.alloc(0) }),
    });
    expect(await finish(to, upload)).toMatchObject({ ref: upload.path });
    expect(lost.used).toBe(1);
  });

  it('does not take the copy that it replaces for its own, which has the same size and date', async () => {
    const upload = uploadOf({ path: 'same.bin' });
    await nextcloud.ask('PUT', 'same.bin', { 'x-oc-mtime': '1600000000' }, Buffer.alloc(CONTENT.length));
    const to = await begun(upload);
    proxy.add({
      when: ({ method }) => method === 'MOVE',
      times: 1,
      reply: () => ({ status: 504, headers: {}, body: Buffer.alloc(0) }),
    });
    const before = await versionThere('same.bin');
    expect(await finish(to, upload, before)).toMatchObject({
      ref: 'same.bin',
      version: expect.not.stringMatching(before),
    });
    expect(await hashThere('same.bin')).toBe(SHA256);
  });

  it('begins anew when parts are missing', async () => {
    const upload = uploadOf();
    const to = await begun(upload, [0, 2]);
    await expect(finish(to, upload)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('makes a folder that went away, and waits at a full account', async () => {
    const upload = uploadOf({ path: 'short-lived/x.bin' });
    const to = await begun(upload);
    await nextcloud.ask('DELETE', 'short-lived');
    nextcloud.set({ quota: 1_000 });
    await expect(finish(to, upload)).rejects.toMatchObject({ code: expect.stringMatching(/quota/) });
    nextcloud.set({ quota: 1_000_000_000 });
    expect(await finish(to, upload)).toMatchObject({ ref: 'short-lived/x.bin' });
  });

  it('leaves a throttled server alone for as long as it says', async () => {
    const upload = uploadOf();
    const to = await begun(upload);
    const headers = { 'retry-after': '7' };
    proxy.add({
      when: ({ method }) => method === 'MOVE',
      times: 1,
      reply: () => ({ status: 429, headers, body: Buffer.alloc(0) }),
    });
    await expect(finish(to, upload)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 7_000 });
    expect(await finish(to, upload)).toMatchObject({ ref: upload.path });
  });
});
