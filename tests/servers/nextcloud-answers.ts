/** Answers in the form of sabre/dav, the WebDAV server inside of Nextcloud. */
import type { ServerResponse } from 'node:http';
import { childrenOf } from '../../connectors/wire/dav/xml.js';

/** A refusal, with the exception whose name sabre/dav puts into the answer. */
export class Refusal extends Error {
  readonly status: number;
  readonly exception: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, exception: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.exception = exception;
    this.headers = headers;
  }
}

export const refusals = {
  notFound: (path: string) =>
    new Refusal(404, 'Sabre\\DAV\\Exception\\NotFound', `File with name ${path} could not be located`),
  conflict: (message: string) => new Refusal(409, 'Sabre\\DAV\\Exception\\Conflict', message),
  badRequest: (message: string) => new Refusal(400, 'Sabre\\DAV\\Exception\\BadRequest', message),
  invalidPath: (message: string) => new Refusal(400, 'OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath', message),
  precondition: (what: string) => new Refusal(412, 'Sabre\\DAV\\Exception\\PreconditionFailed', `${what} failed`),
  notAllowed: (message: string) => new Refusal(405, 'Sabre\\DAV\\Exception\\MethodNotAllowed', message),
  forbidden: (message: string) => new Refusal(403, 'Sabre\\DAV\\Exception\\Forbidden', message),
  full: (path: string, free: number) =>
    new Refusal(507, 'Sabre\\DAV\\Exception\\InsufficientStorage', `Insufficient space in ${path}, ${free} available`),
  locked: (path: string) =>
    new Refusal(423, 'OCA\\DAV\\Connector\\Sabre\\Exception\\FileLocked', `"${path}" is locked`),
};

export function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, ...(status !== 204 && { 'content-length': String(bytes.length) }) });
  response.end(status === 204 ? undefined : bytes);
}

export function sendRefusal(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const refusal =
    error instanceof Refusal ? error : new Refusal(500, 'Exception', `the emulator failed: ${(error as Error).stack}`);
  const body =
    '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">' +
    `<s:exception>${refusal.exception}</s:exception><s:message>${escaped(refusal.message)}</s:message></d:error>`;
  send(response, refusal.status, { 'content-type': 'application/xml; charset=utf-8', ...refusal.headers }, body);
}

/** A property that an entry has: its inner XML, by its whole name as connectors/wire/dav/xml.ts writes it. */
export type Told = ReadonlyMap<string, string>;

/** Those asked for by a PROPFIND; undefined: all. */
export async function namesAsked(body: Buffer): Promise<readonly string[] | undefined> {
  if (body.length === 0) return undefined;
  async function* once(): AsyncGenerator<Uint8Array> {
    yield body;
  }
  for await (const element of childrenOf(once(), 'PROPFIND', () => {})) {
    if (element.name === 'D:prop') return element.children.map(({ name }) => name);
  }
  return undefined;
}

const PREFIXES: Readonly<Record<string, string>> = {
  'DAV:': 'd',
  'http://owncloud.org/ns': 'oc',
  'http://nextcloud.org/ns': 'nc',
};

export function multistatusOf(
  entries: readonly { readonly href: string; readonly props: Told }[],
  asked: readonly string[] | undefined,
): string {
  const responses = entries.map(({ href, props }) => {
    const names = asked ?? [...props.keys()];
    const [has, lacks] = [names.filter((name) => props.has(name)), names.filter((name) => !props.has(name))];
    const found = has.map((name) => element(name, props.get(name) as string)).join('');
    const missing = lacks.map((name) => element(name, '')).join('');
    return (
      `<d:response><d:href>${escaped(href)}</d:href>` +
      `<d:propstat><d:prop>${found}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>` +
      (missing === ''
        ? ''
        : `<d:propstat><d:prop>${missing}</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>`) +
      '</d:response>'
    );
  });
  return (
    '<?xml version="1.0"?>\n<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns" ' +
    `xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">${responses.join('')}</d:multistatus>`
  );
}

function element(name: string, inner: string): string {
  const [, uri = 'DAV:', local = name.slice(2)] = /^\{(.*)\}(.*)$/.exec(name) ?? [];
  const prefix = PREFIXES[uri];
  const [tag, declared] = prefix ? [`${prefix}:${local}`, ''] : [`x:${local}`, ` xmlns:x="${escaped(uri)}"`];
  return inner === '' ? `<${tag}${declared}/>` : `<${tag}${declared}>${inner}</${tag}>`;
}

export function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
