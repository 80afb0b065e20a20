/** The yardstick: collections made and items put as fast as the server takes them, and nothing else. */
import { Agent, request } from 'undici';
import type { Account } from './dav-account.js';
import type { Shelf } from './dav-shelves.js';

/** Milliseconds for everything, with so many requests at once. */
export async function putLoop(
  { url, user, home }: Account,
  shelves: readonly Shelf[],
  atOnce: number,
): Promise<number> {
  const dispatcher = new Agent({ connections: atOnce });
  const authorization = `Basic ${Buffer.from(`${user}:secret`).toString('base64')}`;
  const send = async (method: string, path: string, body: Buffer | string, type: string): Promise<void> => {
    const answer = await request(`${url}${path}`, {
      method: method as 'PUT',
      headers: { authorization, 'content-type': type },
      body,
      dispatcher,
    });
    await answer.body.dump();
    if (answer.statusCode > 299) throw new Error(`${method} ${path}: ${answer.statusCode}`);
  };
  const started = performance.now();
  for (const { name, tag } of shelves) {
    const type = tag === 'VCALENDAR' ? '<C:calendar/>' : '<R:addressbook/>';
    const made = `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:R="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/>${type}</D:resourcetype><D:displayname>${name}</D:displayname></D:prop></D:set></D:mkcol>`;
    await send('MKCOL', `${home(tag)}${name}/`, made, 'application/xml');
  }
  const left = shelves.flatMap(({ name, tag, items }) =>
    items.map(([file, body]) => ({
      path: `${home(tag)}${name}/${file}`,
      body,
      type: tag === 'VCALENDAR' ? 'text/calendar' : 'text/vcard',
    })),
  );
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let one = left.shift(); one; one = left.shift()) await send('PUT', one.path, one.body, one.type);
    }),
  );
  const took = performance.now() - started;
  await dispatcher.close();
  return took;
}
