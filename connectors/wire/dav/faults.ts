/** What a server's refusal means (RFC 4918, 4791, 6352, 6578; status codes of RFC 9110). */
import { Fault } from '../../errors.js';
import type { Clean } from './redact-server-text.js';
import { asLine } from './redact-server-text.js';
import type { Element, Name } from './xml.js';
import { child, childrenOf } from './xml.js';

/** What the body of an error answer says. */
export interface ErrorWords {
  /** The precondition that failed, e.g. `C:no-uid-conflict`. */
  readonly condition?: Name;
  /** An href inside of it: the resource that stands in the way. */
  readonly href?: string;
  /** The server's sentence. */
  readonly words?: string;
  /** It answered with a page for people: of a login, a proxy, an error. */
  readonly page?: true;
  /** It says that the port speaks TLS, and the request did not. */
  readonly wantsTls?: true;
}

/** A fault that a server answered, with what told it. */
export class HttpFault extends Fault {
  readonly status: number;
  readonly condition: Name | undefined;

  constructor(status: number, condition: Name | undefined, ...rest: ConstructorParameters<typeof Fault>) {
    super(...rest);
    this.status = status;
    this.condition = condition;
  }
}

const MAX_ERROR_BYTES = 64 * 1024;
/** More is not waited for, and its connection ends: it may never end by itself. */
const MAX_WAITED_BYTES = 1024 * 1024;

/** Reads an error's body, as far as it helps. Never throws for what the server wrote. */
export async function readError(body: AsyncIterable<Uint8Array>, clean: Clean = asLine): Promise<ErrorWords> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    // The rest is read, too, so that the connection can be used again.
    if (bytes < MAX_ERROR_BYTES) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_WAITED_BYTES) break;
  }
  const text = Buffer.concat(chunks).subarray(0, MAX_ERROR_BYTES).toString();
  // Apache and nginx, for a request without TLS on a port with TLS.
  if (/speaking plain HTTP to an SSL|plain HTTP request was sent to HTTPS/i.test(text)) return { wantsTls: true };
  if (!text.trimStart().startsWith('<')) return sentence(clean(text, true));
  if (/^\s*(<!doctype html|<html)/i.test(text)) return { page: true };
  let isError = false;
  const found: Element[] = [];
  try {
    const root = (name: Name): void => {
      isError = name === 'D:error';
    };
    for await (const element of childrenOf(once(Buffer.from(text)), '', root)) found.push(element);
  } catch {
    // A page of HTML, most of the time: the status says enough.
    return {};
  }
  if (!isError) return {};
  const condition = found.find(
    (one) => one.name !== 'D:responsedescription' && !one.name.startsWith('{http://sabredav'),
  );
  const description = found.find((one) => one.name === 'D:responsedescription' || one.name.endsWith('}message'));
  const href = child(condition, 'D:href')?.text.trim();
  return {
    ...(condition && { condition: condition.name }),
    ...(href && { href }),
    ...(description && sentence(clean(description.text, false))),
  };
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}

function sentence(words: string | undefined): ErrorWords {
  return words === undefined ? {} : { words };
}

const DEFAULT_RETRY_MS = 10_000;

/** The fault that an unwelcome status is. `where` names method and place, without content. */
export function faultOf(
  where: string,
  status: number,
  error: ErrorWords,
  retryAfter: string | undefined,
  date?: string,
): HttpFault {
  const said = [error.condition, error.words].filter(Boolean).join(', ');
  const message = `${where}: the server answered ${status}${said ? ` (${said})` : ''}`;
  const make = (code: ConstructorParameters<typeof Fault>[0], next: string, more: { retryAfterMs?: number } = {}) =>
    new HttpFault(status, error.condition, code, message, { next, ...more });
  if (error.condition === 'D:valid-sync-token') return make('cursor-lost', 'list instead');
  if (error.condition === 'D:quota-not-exceeded' || error.condition === 'D:sufficient-disk-space') {
    return make('quota', 'make room in the account');
  }
  if (status === 400 && error.wantsTls) {
    const next = 'write https:// in url';
    return new HttpFault(status, undefined, 'spec', `${message}: the port speaks TLS, and url begins with http://`, {
      next,
      systemWide: true,
    });
  }
  if (status < 300 && error.page) {
    return new HttpFault(status, undefined, 'unavailable', `${message}, with a web page instead of WebDAV`, {
      next: 'check url: it has to lead to WebDAV, and not to a login page or a proxy',
    });
  }
  // What CalDAV and CardDAV demand of an item, whatever the status: Xandikos says 412, others 403 or 409.
  if (/^CR?:(?!no-uid-conflict$)/.test(error.condition ?? '')) return make('refused', 'mend the item in the source');
  switch (status) {
    case 401:
      return make('credentials', 'check username and password where the spec names them');
    case 403:
      return make('refused', 'give the account the rights, or see what the server says of the item');
    case 404:
    case 410:
      return make('not-found', 'it went away meanwhile; the next run will see that');
    case 409:
    case 412:
      return make('conflict', 'somebody else wrote there; it is looked at again');
    case 429:
      return make('throttled', 'wait', { retryAfterMs: retryAfterMs(retryAfter, date) ?? DEFAULT_RETRY_MS });
    case 503:
      return retryAfter === undefined
        ? make('unavailable', 'try again')
        : make('throttled', 'wait', { retryAfterMs: retryAfterMs(retryAfter, date) ?? DEFAULT_RETRY_MS });
    case 507:
      return make('quota', 'make room in the account');
    case 408:
    case 423:
    case 425:
      return make('unavailable', 'try again');
    default:
      return status >= 500 || status < 400
        ? make('unavailable', 'try again; if it stays so, look into the log of the server')
        : make('refused', 'see what the server says');
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3), by the clock of the server, which its `Date` tells. */
function retryAfterMs(value: string | undefined, date: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - (Date.parse(date ?? '') || Date.now()));
}
