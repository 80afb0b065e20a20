import { describe, expect, it } from 'vitest';
import { multistatus, resource } from '../../../tests/servers/scripted-http.js';
import { Fault } from '../../errors.js';
import type { Member, Resource } from './multistatus.js';
import { readMultistatus } from './multistatus.js';
import { document, escapeXml, tag } from './xml.js';

async function* inPieces(text: string | Buffer, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string | Buffer, size = 7): Promise<Member[]> {
  const members: Member[] = [];
  for await (const member of readMultistatus(inPieces(text, size), 'REPORT /cal/')) members.push(member);
  return members;
}

async function resources(text: string | Buffer): Promise<Resource[]> {
  return (await read(text)).flatMap((member) => ('resource' in member ? [member.resource] : []));
}

const body = (inner: string): string => String(multistatus(inner).body);

describe('a multi-status answer', () => {
  it('is read whatever its prefixes, blanks, comments and CDATA', async () => {
    const [one] = await resources(
      `<?xml version='1.0'?><!-- x --><multistatus xmlns="DAV:" xmlns:q='urn:ietf:params:xml:ns:caldav'>
        <response>
          <href>
            /cal/a.ics
          </href>
          <propstat><status>HTTP/1.1 200 OK</status><prop>
            <getetag><![CDATA["a&b"]]></getetag>
            <q:calendar-data>BEGIN:VCALENDAR&#13;
SUMMARY:&lt;b&gt; &amp; <![CDATA[<i>]]>&#x1F600;</q:calendar-data>
          </prop></propstat>
        </response></multistatus>`,
    );
    expect(one?.href).toBe('/cal/a.ics');
    expect(one?.props.get('D:getetag')?.text).toBe('"a&b"');
    expect(one?.props.get('C:calendar-data')?.text).toBe('BEGIN:VCALENDAR\r\nSUMMARY:<b> & <i>😀');
  });

  it('is read in pieces of any size, letters of several bytes included', async () => {
    const text = body(resource('/cal/ä日😀.ics', '<D:getetag>"1"</D:getetag>'));
    for (const size of [1, 2, 3, 5, 1000]) {
      expect((await read(text, size)).map((member) => 'resource' in member && member.resource.href)).toEqual([
        '/cal/ä日😀.ics',
      ]);
    }
  });

  it('keeps failed properties apart from those that are there', async () => {
    const [one] = await resources(
      body(
        `<D:response><D:href>/a</D:href>
          <D:propstat><D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
          <D:propstat><D:prop><D:displayname>A</D:displayname></D:prop><D:status>HTTP/2 200</D:status></D:propstat>
        </D:response>`,
      ),
    );
    expect([...(one?.props.keys() ?? [])]).toEqual(['D:displayname']);
  });

  it('tells a status for several hrefs at once, and the precondition behind it', async () => {
    const found = await resources(
      body(
        '<D:response><D:href>/a</D:href><D:href>/b</D:href><D:status>HTTP/1.1 403 Forbidden</D:status>' +
          '<D:error><C:max-resource-size/></D:error></D:response>',
      ),
    );
    expect(found.map(({ href, status, error }) => [href, status, error])).toEqual([
      ['/a', 403, 'C:max-resource-size'],
      ['/b', 403, 'C:max-resource-size'],
    ]);
  });

  it('tells the sync token wherever it stands', async () => {
    const members = await read(body(`<D:sync-token> urn:t:1 </D:sync-token>${resource('/a', '')}`));
    expect(members[0]).toEqual({ syncToken: 'urn:t:1' });
  });

  it('ignores elements and properties it does not know', async () => {
    const found = await resources(
      body(
        `<D:responsedescription>x</D:responsedescription><x:y xmlns:x="urn:x"><x:z/></x:y>${resource('/a', '<k xmlns="urn:k">v</k>')}`,
      ),
    );
    expect(found[0]?.props.get('{urn:k}k')?.text).toBe('v');
  });

  it.each([
    ['nothing at all', ''],
    ['half of it', body(resource('/a', '')).slice(0, -30)],
    ['an element that is not closed', '<D:multistatus xmlns:D="DAV:"><D:response></D:multistatus>'],
    ['an entity of its own', '<!DOCTYPE x [<!ENTITY e "x">]><D:multistatus xmlns:D="DAV:">&e;</D:multistatus>'],
    ['a prefix without a namespace', '<D:multistatus><D:response/></D:multistatus>'],
    ['a control character', body(resource('/a', '<D:getetag>\u0001</D:getetag>'))],
    ['plain text', 'Bad gateway'],
    ['a page of HTML', '<html><body>Log in<br></body></html>'],
    ['an error', '<D:error xmlns:D="DAV:"/>'],
  ])('that is %s is a fault which says where', async (_, text) => {
    const failed = await read(text).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Fault);
    expect(failed).toMatchObject({ code: 'unavailable', message: expect.stringContaining('REPORT /cal/') });
  });

  it('keeps its content out of faults', async () => {
    const text = body(resource('/a', '<C:calendar-data>SUMMARY:canary<canary/></D:getetag></C:calendar-data>'));
    const failed = (await read(text).catch((error: unknown) => error)) as Fault;
    expect(failed.message).not.toContain('canary');
  });

  it('of 50,000 members is told while it arrives', async () => {
    let fed = 0;
    async function* long(): AsyncGenerator<Uint8Array> {
      const [head, tail] = body('|').split('|') as [string, string];
      yield Buffer.from(head);
      for (; fed < 50_000; fed++) yield Buffer.from(resource(`/cal/${fed}.ics`, `<D:getetag>"${fed}"</D:getetag>`));
      yield Buffer.from(tail);
    }
    let told = 0;
    for await (const _ of readMultistatus(long(), 'x')) if (++told === 10) expect(fed).toBeLessThan(20);
    expect(told).toBe(50_000);
  });
});

describe('a request', () => {
  it('escapes whatever stands in it', async () => {
    const odd = `<&>"'\r\n\t]]> ä😀`;
    const text = document('D:multistatus', `<D:response>${tag('D:href', odd)}</D:response>`);
    expect((await resources(text))[0]?.href).toBe(odd.trim());
    expect(escapeXml('a\u0000b\u001fc')).toBe('abc');
  });
});

describe('characters that XML has no form for', () => {
  const named = (text: string): string =>
    body(
      `<D:response><D:href>/cal/</D:href><D:propstat><D:prop><D:displayname>${text}</D:displayname></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`,
    );
  const nameIn = async (text: string, lenient: boolean): Promise<string | undefined> => {
    for await (const member of readMultistatus(inPieces(named(text), 7), 'PROPFIND /', lenient))
      if ('resource' in member) return member.resource.props.get('D:displayname')?.text;
    return undefined;
  };

  it.each(['\x10', '\x00', '\x0c', '\ufffe', '\uffff'])(
    '%j is left out of a name, which must not hide all collections',
    async (odd) => {
      expect(await nameIn(`Te${odd}am`, true)).toBe('Team');
    },
  );

  it('are no reason to take content for what it is not: such an answer is none', async () => {
    await expect(nameIn('Te\x10am', false)).rejects.toThrow('not well-formed XML');
    await expect(nameIn('Te<am', true)).rejects.toThrow('not well-formed XML');
  });

  it('are in nothing that is asked', () => {
    expect(escapeXml('a\x00b\x10c\x0cd\ufffee\ufffff\ud800g\u{1f600}h\r\n\t')).toBe('abcdefg\u{1f600}h&#13;\n\t');
  });
});
