/** Answers that do not end are not waited for, and not held in memory. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { all, never } from '../../../tests/conformance/collect.js';
import { NEVER } from '../../../tests/servers/keep-alive.js';
import { readCapabilities, readStatus } from '../../nextcloud/capabilities.js';
import { drain } from './answer-body.js';
import { DavHttp } from './http.js';

const MIB = 1024 * 1024;
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** A server that answers each request with `begin` and then the same chunk for ever, until the client leaves. */
async function endless({ status = 200, begin = '', chunk = ' ' }: { status?: number; begin?: string; chunk?: string }) {
  let sent = 0;
  const more = Buffer.from(chunk.repeat(65_536 / chunk.length));
  function* body() {
    yield Buffer.from(begin);
    for (; sent < 1024 * MIB; sent += more.length) yield more;
  }
  const server = createServer({ keepAliveTimeout: NEVER }, (request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'text/plain' });
    Readable.from(body()).pipe(response);
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const auth = { username: 'anna', password: { env: 'X' } };
  const http = new DavHttp({ auth }, { account: 'anna', kind: 'files', secret: async () => 's3cret' }, origin);
  ending.push(
    () =>
      new Promise((go) => {
        server.close(go);
        server.closeAllConnections();
      }),
    () => http.close(),
  );
  return { http, sentMiB: () => sent / MIB };
}

describe('an answer without end', () => {
  it('is no page about a Nextcloud', async () => {
    const { http, sentMiB } = await endless({});

    expect(await readStatus(http, '/', never)).toBeUndefined();
    await expect(readCapabilities(http, '/', never)).rejects.toMatchObject({ code: 'spec' });
    expect(sentMiB()).toBeLessThan(64);
  });

  it('is not read to its end where nobody needs it', async () => {
    const { http, sentMiB } = await endless({});
    const { body } = await http.ask({ method: 'GET', path: '/x' }, never);

    await drain(body);

    expect(sentMiB()).toBeLessThan(32);
  });

  it('that refuses is told by its status', async () => {
    const { http, sentMiB } = await endless({ status: 403, begin: 'no ', chunk: 'no ' });

    expect(await http.change({ method: 'DELETE', path: '/x' }, never)).toMatchObject({ status: 403 });
    expect(sentMiB()).toBeLessThan(32);
  });

  it.each([
    ['one property', '<D:response><D:href>/a', 'a', 'longer than 128 MiB'],
    ['elements within elements', '<D:response>', '<x>', 'nested deeper'],
  ])('of a listing is refused: %s', async (_, begin, chunk, words) => {
    const { http, sentMiB } = await endless({
      status: 207,
      begin: `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${begin}`,
      chunk,
    });

    const listing = all(http.members({ method: 'PROPFIND', path: '/' }, never));

    await expect(listing).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(words) });
    expect(sentMiB()).toBeLessThan(256);
  });
});
