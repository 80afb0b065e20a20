/** Ways of servers that are not installed here, as rules of the proxy before one that is. */
import type { DavAsked, DavReply, Rule } from './dav-proxy.js';

export const isWrite = ({ method }: DavAsked): boolean => ['PUT', 'DELETE', 'MOVE'].includes(method);

/** A PUT of an item: with a name behind the collection. */
export const isPut = ({ method, path }: DavAsked): boolean => method === 'PUT' && !path.endsWith('/');

export const asks =
  (method: string, words = ''): NonNullable<Rule['when']> =>
  (asked) =>
    asked.method === method && asked.body.includes(words);

export function reply(status: number, headers: Readonly<Record<string, string>> = {}, body = ''): DavReply {
  return { status, headers, body: Buffer.from(body) };
}

export function davError(status: number, inner: string): DavReply {
  const names = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"';
  const body = `<?xml version="1.0"?><D:error ${names}>${inner}</D:error>`;
  return reply(status, { 'content-type': 'application/xml' }, body);
}

export function rewritten({ status, headers, body }: DavReply, rewrite: (xml: string) => string): DavReply {
  return { status, headers, body: Buffer.from(rewrite(body.toString())) };
}

/** Each member of a multi-status answer. */
export const RESPONSE = /<((?:\w+:)?)response\b[^>]*>[\s\S]*?<\/\1response>/g;

export function hrefIn(response: string): string {
  return /href>([^<]*)</.exec(response)?.[1] ?? '';
}

/** It tells no changes: CTag and ETags are all there is (Carbonio, older Apache). */
export const withoutSyncCollection: Rule = {
  when: asks('PROPFIND'),
  answer: (answer) => rewritten(answer, (xml) => xml.replace(/<(?:\w+:)?sync-collection\s*\/>/g, '')),
};

/** It tells neither changes nor CTags: there is only the listing. */
export const withoutAnyToken: Rule = {
  when: asks('PROPFIND'),
  answer: (answer) =>
    rewritten(answer, (xml) =>
      xml
        .replace(/<((?:\w+:)?)sync-token\b[^>]*>[^<]*<\/\1sync-token>/g, '')
        .replace(/<((?:\w+:)?)getctag\b[^>]*>[^<]*<\/\1getctag>/g, ''),
    ),
};

/** It does not say under which ETag it stored an item (RFC 4791, 5.3.4 allows that). */
export const withoutEtagAfterPut: Rule = {
  when: ({ method }) => method === 'PUT',
  answer: ({ status, headers: { etag: _, ...headers }, body }) => ({ status, headers, body }),
};

/** SOGo: what stands there is replaced. */
export const ignoresIfNoneMatch: Rule = {
  when: ({ method }) => method === 'PUT',
  ask: ({ headers: { 'if-none-match': _, ...headers }, ...asked }) => ({ ...asked, headers }),
};

/** It stores another form of what is put, and keeps quiet about it: no ETag. */
export function rewrites(rewrite: (body: string) => string): Rule {
  return {
    when: isPut,
    ask: (asked) => ({ ...asked, body: Buffer.from(rewrite(asked.body.toString())) }),
    answer: withoutEtagAfterPut.answer as NonNullable<Rule['answer']>,
  };
}

/** The ETag that it tells after a PUT is not the one that it tells later. */
export const changesEtagAfterPut: Rule = {
  when: isPut,
  answer: (answer) =>
    answer.headers.etag === undefined
      ? answer
      : { ...answer, headers: { ...answer.headers, etag: `"first-${String(answer.headers.etag).slice(1)}` } },
};

/**
 * Changes are told in pages of `size`; 507 for the collection says that there are more (RFC 6578, 3.6). What is left is
 * as it was when the first page was asked for.
 */
export function pagesChanges(size: number): Rule {
  const pages = new Map<string, Changes>();
  const page = ({ path }: DavAsked, { root, members, token }: Changes): DavReply => {
    let inner = members.slice(0, size).join('');
    let next = token;
    if (members.length > size) {
      next = `http://proxy.example/page/${pages.size + 1}`;
      pages.set(next, { root, members: members.slice(size), token });
      inner +=
        `<D:response xmlns:D="DAV:"><D:href>${path}</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status>` +
        '<D:error><D:number-of-matches-within-limits/></D:error></D:response>';
    }
    const end = root.replace(/^<((?:\w+:)?multistatus)[\s\S]*$/, '</$1>');
    const xml = `${root}${inner}<D:sync-token xmlns:D="DAV:">${next}</D:sync-token>${end}`;
    return reply(207, { 'content-type': 'application/xml; charset=utf-8' }, xml);
  };
  return {
    when: asks('REPORT', 'sync-collection'),
    reply: (asked) => {
      const left = pages.get(SYNC_TOKEN.exec(asked.body.toString())?.[1] ?? '');
      return left && page(asked, left);
    },
    answer: (answer, asked) => {
      const xml = answer.body.toString();
      const root = /<(?:\w+:)?multistatus\b[^>]*>/.exec(xml)?.[0];
      if (answer.status !== 207 || root === undefined) return answer;
      return page(asked, { root, members: xml.match(RESPONSE) ?? [], token: SYNC_TOKEN.exec(xml)?.[1] ?? '' });
    },
  };
}

const SYNC_TOKEN = /<(?:\w+:)?sync-token\b[^>]*>([^<]*)</;

interface Changes {
  /** The element around them, with the names that they use. */
  readonly root: string;
  readonly members: readonly string[];
  readonly token: string;
}

/** Some members of a multiget fail, each by itself. */
export function failsMembers(status: number, concerns: (href: string) => boolean): Rule {
  return {
    when: asks('REPORT', 'multiget'),
    answer: (answer) =>
      rewritten(answer, (xml) =>
        xml.replace(RESPONSE, (response, prefix: string) => {
          const href = hrefIn(response);
          if (!concerns(href)) return response;
          return `<${prefix}response><${prefix}href>${href}</${prefix}href><${prefix}status>HTTP/1.1 ${status} No</${prefix}status></${prefix}response>`;
        }),
      ),
  };
}

/** XML that ends in the middle, under a length that fits. */
export const breaksXml = (when: Rule['when'], times: number): Rule => ({
  ...(when && { when }),
  times,
  answer: (answer) => ({ ...answer, body: answer.body.subarray(0, Math.floor(answer.body.length * 0.6)) }),
});

/** Hrefs in another spelling in each answer: as a URL, with everything percent-encoded, with small hex digits. */
export function spellsHrefsAnew(url: () => string): Rule {
  let n = 0;
  const encoded = (path: string): string =>
    path
      .split('/')
      .map((segment) => [...Buffer.from(decodeURIComponent(segment))].map((byte) => `%${byte.toString(16)}`).join(''))
      .join('/');
  const spellings = [
    (path: string): string => path,
    (path: string): string => url() + path,
    encoded,
    (path: string): string => path.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
  ];
  return {
    when: ({ method }) => method === 'PROPFIND' || method === 'REPORT',
    answer: (answer) => {
      const spell = spellings[n++ % spellings.length] as (path: string) => string;
      return rewritten(answer, (xml) =>
        xml.replace(RESPONSE, (response) =>
          response.replace(/(href>)([^<]*)(<)/, (_, a, path, b) => a + spell(path) + b),
        ),
      );
    },
  };
}

/** It keeps the first items under names of its own, and says where (302): SOGo and Carbonio do, where name and UID differ. */
export function renames(times: number, name: (n: number) => string): Rule {
  const renamed = new WeakMap<DavAsked, string>();
  let n = 0;
  const own = (asked: DavAsked): string => {
    const path = renamed.get(asked) ?? asked.path.replace(/[^/]*$/, encodeURIComponent(name(n++)));
    renamed.set(asked, path);
    return path;
  };
  return {
    when: isPut,
    times,
    ask: (asked) => ({ ...asked, path: own(asked) }),
    answer: (answer, asked) => (answer.status < 300 ? reply(302, { location: own(asked) }) : answer),
  };
}
