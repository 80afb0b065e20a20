/** An Apache that reads `.htaccess` files, and one that does not. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { never } from '../../tests/conformance/collect.js';
import { apply, content, creating, file } from '../../tests/conformance/trees.js';
import { give, startApache } from '../../tests/servers/apache.js';
import type { DavServer } from '../../tests/servers/dav-server.js';
import type { Access, TargetContainer } from '../contract.js';
import { connector } from './index.js';

let apache: DavServer;
beforeAll(async () => {
  apache = await startApache({ users: ['anna', 'reading'], overrides: { reading: 'All' } });
});
afterAll(() => apache?.stop());

const container: TargetContainer = { key: '/', path: [], validity: '1', created: false, items: 0 };

it.each([
  ['anna', true],
  ['reading', false],
])('one in the folder of %s arrives: %s; the rest does in any case', async (user, arrives) => {
  const access: Access = { account: user, kind: 'files', secret: async () => 'secret' };
  const options = { url: `${apache.url}/${user}/t`, auth: { username: user, password: { env: 'X' } } };
  const folder = join(apache.folder, user, 't');
  await mkdir(folder);
  await give(folder);
  const target = connector.target(options, access);
  try {
    const paths = ['a', '.htaccess', 'd/.htaccess', 'z'];
    const answers = await apply(
      target,
      container,
      paths.map((path) => creating(path, file(path, content(20)))),
    );
    for (const path of ['.htaccess', 'd/.htaccess'])
      expect(answers.get(path)).toMatchObject(
        arrives ? { token: path } : { refused: path, reason: expect.stringContaining('its own configuration') },
      );
    for (const path of ['a', 'z']) expect(answers.get(path)).toMatchObject({ token: path });
    // Every later request is answered as before, and nothing of the trial is left.
    expect(await target.find?.({ path: [] }, never)).toMatchObject({ key: '/' });
    const left = (await readdir(folder)).filter((name) => name.startsWith('.drover'));
    expect(left).toEqual([]);
  } finally {
    target.close();
  }
});
