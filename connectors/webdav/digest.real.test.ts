/** Apache with Digest authentication only. */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { all, entries, never } from '../../tests/conformance/collect.js';
import { gathered } from '../../tests/conformance/trees.js';
import { startApache } from '../../tests/servers/apache.js';
import type { DavServer } from '../../tests/servers/dav-server.js';
import type { Access, Container, ItemRef } from '../contract.js';
import { digestFile } from '../kinds/files.js';
import { connector } from './index.js';

let dir: string;
let apache: DavServer;
const ending: { close(): void }[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-digest-'));
  const md5 = createHash('md5').update('anna:drover:secret').digest('hex');
  await writeFile(join(dir, 'users'), `anna:drover:${md5}\n`, { mode: 0o644 });
  // A nonce that serves for a second: it runs out in the middle.
  const config = `
LoadModule auth_digest_module /usr/lib/apache2/modules/mod_auth_digest.so
<Location />
  AuthType Digest
  AuthName drover
  AuthDigestProvider file
  AuthUserFile ${dir}/users
  AuthDigestNonceLifetime 1
  Require valid-user
</Location>`;
  await chmod(dir, 0o755);
  apache = await startApache({ users: ['anna'], config });
});
afterAll(async () => {
  for (const session of ending) session.close();
  await apache?.stop();
  await rm(dir, { recursive: true, force: true });
});

const access = (password: string): Access => ({ account: 'anna', kind: 'files', secret: async () => password });
const options = () => ({ url: `${apache.url}/anna`, auth: { username: 'anna', password: { env: 'X' } } });
const root: Container = { key: '/', path: [], validity: '1' };

it('is read and written, past the end of a nonce', async () => {
  const target = connector.target(options(), access('secret'));
  const source = connector.source(options(), access('secret'));
  ending.push(target, source);
  const container = await target.ensure({ path: [] }, never);
  const small = { type: 'file' as const, path: 'a b/ü?.txt', bytes: Buffer.from('small') };
  const write = {
    op: 'create' as const,
    token: '1',
    body: small,
    bytes: 5,
    meta: { type: 'file' },
    digest: digestFile(small),
  };
  expect(await all(target.write(container, [write], never))).toMatchObject([{ token: '1', ref: small.path }]);
  const large = randomBytes(3_000_000);
  const upload = { token: 'up', path: 'large', bytes: large.length, partBytes: large.length, meta: { type: 'file' } };
  await target.uploads.begin(container, upload, never);
  await target.uploads.send(container, upload, 0, chunksOf(large), never);
  expect(await target.uploads.finish(container, upload, undefined, never)).toMatchObject({ ref: 'large' });
  expect(await readFile(join(apache.folder, 'anna', 'large'))).toEqual(large);

  const refs = await entries(source.list(root, undefined, never));
  expect(refs.map(({ key }) => key)).toEqual(['a b/', 'a b/ü?.txt', 'large']);
  const until = Date.now() + 1_500;
  // Reads until the first nonce has run out.
  for (let reads = 0; Date.now() < until || reads < 2; reads++) {
    expect(await all(source.read(root, [refs[1] as ItemRef], never))).toMatchObject([{ body: { bytes: small.bytes } }]);
  }
  const range = { from: 1_000_000, bytes: 500_000 };
  expect(await gathered(source.open(root, refs[2] as ItemRef, range, never))).toEqual(
    large.subarray(1_000_000, 1_500_000),
  );
});

it('names a wrong password', async () => {
  const source = connector.source(options(), access('wrong'));
  ending.push(source);
  await expect(source.place(never)).rejects.toMatchObject({ code: 'credentials' });
});

async function* chunksOf(content: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}
