/** Answers to PROPFIND as servers write them. */
import { describe, expect, it } from 'vitest';
import type { Reported } from './listing.js';
import { readListing } from './listing.js';
import { memberNames } from './paths.js';

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 7): Promise<Reported[]> {
  const all: Reported[] = [];
  for await (const page of readListing(pieces(text, size), 'PROPFIND http://there/')) all.push(...page);
  return all;
}

const FILE: Reported = {
  href: '/a.txt',
  status: 200,
  folder: false,
  etag: '"1"',
  bytes: '5',
  modified: 'Mon, 04 Mar 2019 05:06:07 GMT',
  created: '',
  size: '',
  id: '',
  born: '',
  mount: '',
};

describe('a listing', () => {
  it('is none that does not end: what is held of it is bounded', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('<D:multistatus xmlns:D="DAV:"><D:response><D:href>');
      const chunk = Buffer.alloc(65_536, 'a');
      for (let sent = 0; sent < 10_000; sent++) yield chunk;
    }
    const reading = (async () => {
      for await (const _ of readListing(endless(), 'PROPFIND http://there/'));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is read whatever its prefixes are', async () => {
    const inner = (p: string) =>
      `<${p}response><${p}href>/a.txt</${p}href><${p}propstat><${p}prop><${p}getetag>"1"</${p}getetag><${p}getcontentlength>5</${p}getcontentlength>` +
      `<${p}getlastmodified>Mon, 04 Mar 2019 05:06:07 GMT</${p}getlastmodified><${p}resourcetype/></${p}prop><${p}status>HTTP/1.1 200 OK</${p}status></${p}propstat></${p}response>`;
    expect(await read(`<multistatus xmlns="DAV:">${inner('')}</multistatus>`)).toEqual([FILE]);
    expect(await read(`<D:multistatus xmlns:D="DAV:">${inner('D:')}</D:multistatus>`)).toEqual([FILE]);
    expect(await read(`<x:multistatus xmlns:x="DAV:" xmlns:lp1="DAV:">${inner('lp1:')}</x:multistatus>`)).toEqual([
      FILE,
    ]);
  });

  it('is read with CDATA, entities, comments and letters cut in two', async () => {
    const [reported] = await read(
      '<multistatus xmlns="DAV:"><response><href><![CDATA[/caf]]>é&amp;&#x1F389;<!-- x --></href><propstat><prop><getetag>&quot;1&quot;</getetag></prop></propstat></response></multistatus>',
      1,
    );
    expect([reported?.href, reported?.etag]).toEqual(['/café&🎉', '"1"']);
  });

  it('takes nothing from other namespaces, or from what is not there', async () => {
    const [reported] = await read(
      '<multistatus xmlns="DAV:" xmlns:o="urn:o"><response><href>/d/</href>' +
        '<propstat><prop><o:getetag>other</o:getetag><resourcetype><collection/><o:x>DAV</o:x></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat>' +
        '<propstat><prop><getetag>"gone"</getetag><getcontentlength>7</getcontentlength></prop><status>HTTP/1.1 404 Not Found</status></propstat>' +
        '</response></multistatus>',
    );
    expect(reported).toMatchObject({ href: '/d/', folder: true, etag: '', bytes: '', status: 200 });
  });

  it('joins what several propstats tell', async () => {
    const [reported] = await read(
      '<multistatus xmlns="DAV:"><response><href>/f</href>' +
        '<propstat><prop><getetag>"1"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat>' +
        '<propstat><prop><getcontentlength>9</getcontentlength></prop><status>HTTP/1.1 200 OK</status></propstat>' +
        '</response></multistatus>',
    );
    expect(reported).toMatchObject({ etag: '"1"', bytes: '9' });
  });

  it('tells the status of a resource as a whole', async () => {
    const [reported] = await read(
      '<multistatus xmlns="DAV:"><response><href>/f</href><status>HTTP/1.1 403 Forbidden</status></response></multistatus>',
    );
    expect(reported?.status).toBe(403);
  });

  it.each(['<html><body>Log in</body></html>', '<multistatus xmlns="DAV:"><response>', 'no', '<multistatus/>'])(
    'is no listing: %s',
    async (text) => {
      await expect(read(text)).rejects.toMatchObject({ code: 'unavailable' });
    },
  );
});

describe('hrefs of members', () => {
  const nameIn = memberNames('/dav/my folder/');
  it.each([
    ['/dav/my%20folder/a.txt', 'a.txt'],
    ['http://other.example/dav/my%20folder/a.txt', 'a.txt'],
    ['/dav/my folder/d/', 'd'],
    ['/dav/%6Dy%20folder/caf%c3%a9', 'café'],
    ['/dav/my%20folder/100%2525', '100%25'],
  ])('%s is %s', (href, name) => {
    expect(nameIn(href)).toEqual({ name, safe: true });
  });
  it.each([
    '/dav/my%20folder/',
    '/dav/my%20folder',
    '/dav/',
    '/etc/passwd',
    '/dav/my%20folder/../x',
    '/dav/my%20folder/d/e',
    'relative',
  ])('%s is no member', (href) => {
    expect(nameIn(href)).toBeUndefined();
  });
  it.each([
    ['/dav/my%20folder/..', '%2E%2E'],
    ['/dav/my%20folder/%2e%2e', '%2e%2e'],
    ['/dav/my%20folder/%2e%2e/', '%2e%2e'],
    ['/dav/my%20folder/a%2Fb', 'a%2Fb'],
    ['/dav/my%20folder/..%2f..%2fetc', '..%2f..%2fetc'],
    ['/dav/my%20folder/a%00', 'a%00'],
    ['/dav/my%20folder/caf%e9', 'caf%e9'],
  ])('%s is shown, but not safe', (href, name) => {
    expect(nameIn(href)).toEqual({ name, safe: false });
  });
});
