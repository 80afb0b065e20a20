/** HTTP Digest (RFC 7616; RFC 2617 without qop): for servers that take no password in the clear. */
import { createHash, randomBytes } from 'node:crypto';

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As the server spells it; undefined: MD5. */
  readonly algorithm: string | undefined;
  readonly session: boolean;
  readonly hash: 'md5' | 'sha256' | 'sha512-256';
  /** `auth` where the server knows it. */
  readonly qop: boolean;
  /** The login was right, and the nonce too old. */
  readonly stale: boolean;
}

const HASHES: Readonly<Record<string, Challenge['hash']>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};
/** A header is cut here: what is longer is not a challenge. */
const MOST = 8_192;

/** The first challenge that can be met, of all that `WWW-Authenticate` holds; undefined where none can. */
export function challengeIn(header: string | undefined): Challenge | undefined {
  const found = schemesIn((header ?? '').slice(0, MOST)).flatMap((params) => challengeOf(params) ?? []);
  // Servers list the strongest first (RFC 7616, 3.7).
  return found[0];
}

/** The parameters of each Digest challenge. */
function schemesIn(header: string): Map<string, string>[] {
  const schemes: Map<string, string>[] = [];
  let params: Map<string, string> | undefined;
  // A scheme stands alone or before its first parameter; commas part both challenges and parameters.
  const token = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/gy;
  for (let at = 0; at < header.length; ) {
    token.lastIndex = at;
    const match = token.exec(header);
    if (!match) {
      at++;
      continue;
    }
    at = token.lastIndex;
    const [, name = '', quoted, plain] = match;
    if (quoted === undefined && plain === undefined) {
      params = name.toLowerCase() === 'digest' ? new Map() : undefined;
      if (params) schemes.push(params);
    } else params?.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return schemes;
}

function challengeOf(params: ReadonlyMap<string, string>): Challenge | undefined {
  const nonce = params.get('nonce');
  const algorithm = params.get('algorithm');
  const session = /-sess$/i.test(algorithm ?? '');
  const hash = HASHES[(algorithm ?? 'MD5').toUpperCase().replace(/-SESS$/, '')];
  const qops = params
    .get('qop')
    ?.split(',')
    .map((one) => one.trim().toLowerCase());
  if (nonce === undefined || hash === undefined || (qops && !qops.includes('auth'))) return undefined;
  return {
    realm: params.get('realm') ?? '',
    nonce,
    opaque: params.get('opaque'),
    algorithm,
    session,
    hash,
    qop: qops !== undefined,
    stale: params.get('stale')?.toLowerCase() === 'true',
  };
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** `Authorization` for one request; `count`: the how many-th under this nonce, from 1 on. `uri`: as it is sent. */
export function answerTo(
  challenge: Challenge,
  login: Login,
  method: string,
  uri: string,
  count: number,
  cnonce = randomBytes(16).toString('hex'),
): string {
  const { realm, nonce, opaque, algorithm, session, qop } = challenge;
  const { username, password } = login;
  const digest = (text: string): string => createHash(challenge.hash).update(text).digest('hex');
  const nc = count.toString(16).padStart(8, '0');
  const secret = digest(`${username}:${realm}:${password}`);
  const first = session ? digest(`${secret}:${nonce}:${cnonce}`) : secret;
  const second = digest(`${method}:${uri}`);
  const response = digest(qop ? [first, nonce, nc, cnonce, 'auth', second].join(':') : `${first}:${nonce}:${second}`);
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  return `Digest ${[
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(qop ? ['qop=auth', `nc=${nc}`] : []),
    ...(qop || session ? [`cnonce="${cnonce}"`] : []),
  ].join(', ')}`;
}
