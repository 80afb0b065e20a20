/** The yardstick: folders made, and each file got and put, as fast as both servers go; no listing, no digest, no proof. */
import { Agent, request } from 'undici';
import type { Share } from './files-servers.js';
import { authorization } from './files-servers.js';
import type { Tree } from './files-trees.js';

const SMALL = 1024 * 1024;

/** Milliseconds for everything, with so many files at once. */
export async function getToPut(source: Share, target: Share, tree: Tree, atOnce: number): Promise<number> {
  const reading = new Agent({ connections: atOnce, bodyTimeout: 0 });
  const writing = new Agent({ connections: atOnce, bodyTimeout: 0, headersTimeout: 0 });
  const headers = { authorization };
  const started = performance.now();
  for (const folder of tree.folders) {
    const answer = await request(`${target.url}${folder}`, { method: 'MKCOL' as 'PUT', headers, dispatcher: writing });
    await answer.body.dump();
    if (answer.statusCode !== 201) throw new Error(`MKCOL ${folder}: ${answer.statusCode}`);
  }
  let next = 0;
  const copyAll = async (): Promise<void> => {
    for (let path = tree.files[next++]; path !== undefined; path = tree.files[next++]) {
      const got = await request(`${source.url}${path}`, { headers, dispatcher: reading });
      if (got.statusCode !== 200) throw new Error(`GET ${path}: ${got.statusCode}`);
      const bytes = Number(got.headers['content-length']);
      const put = await request(`${target.url}${path}`, {
        method: 'PUT',
        headers: { authorization, 'content-length': String(bytes) },
        body: bytes <= SMALL ? Buffer.from(await got.body.arrayBuffer()) : got.body,
        dispatcher: writing,
      });
      await put.body.dump();
      if (put.statusCode > 299) throw new Error(`PUT ${path}: ${put.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, copyAll));
  const took = performance.now() - started;
  await reading.close();
  await writing.close();
  return took;
}
