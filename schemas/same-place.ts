/** Which place an account of a system is, as far as the spec shows it: however it is spelt, it is the same place. */
import { posix } from 'node:path';
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { canonicalJson } from './hash.js';
import { mappingAt, textAt } from './problem.js';

/** A system of the spec. */
export interface Place {
  /** Equal for systems that are the same, under whatever names, as far as the spec says. */
  readonly system: string;
  /** Equal for accounts that are the same one. */
  account(name: string): string;
}

/** How a system is reached, and what it may do, is not where it is. */
const ELSEWHERE = new Set([
  'limits',
  'ca',
  'servername',
  'tls',
  'timeouts',
  'tokenLife',
  'auth',
  'port',
  'host',
  'url',
  'path',
]);

export function placeOf(spec: unknown, group: 'sources' | 'targets', name: string, manifests: Manifests): Place {
  const system = mappingAt(spec, [group, name]) ?? {};
  const { type, host, port, url, path, auth } = system;
  const others = Object.entries(system).filter(([key]) => !ELSEWHERE.has(key));
  const where = canonicalJson({
    ...Object.fromEntries(others),
    ...(typeof host === 'string' && { host: hostOf(host), port: portOf(type, port, system.tls) }),
    ...(typeof url === 'string' && { url: urlOf(url) }),
    ...(typeof path === 'string' && { path: pathOf(path) }),
    login: loginOf(auth),
  });
  // What says nothing that can be compared is itself only.
  const text =
    others.length <= 1 && host === undefined && url === undefined && path === undefined
      ? `${where} ${group}.${name}`
      : where;
  const tellsApart = manifestOf(manifests, textAt(system, ['type']))?.tellsAccountsApart ?? false;
  const isOnDisk = path !== undefined;
  return {
    system: text,
    account: (account) => {
      // Servers take logins in any case; folders are other folders.
      const spelt = isOnDisk ? account : account.toLowerCase();
      return text.replaceAll('{account}', spelt) + (tellsApart ? `\u0000${spelt}` : '');
    },
  };
}

const hostOf = (host: string): string => host.toLowerCase().replace(/\.$/, '');

/** IMAP's two ports lead to the same mailboxes. */
function portOf(type: unknown, port: unknown, tls: unknown): unknown {
  if (type !== 'imap') return port;
  const usual = tls === undefined || tls === 'implicit' ? 993 : 143;
  const used = port ?? usual;
  return used === 993 || used === 143 ? 'imap' : used;
}

/** Without a default port, and with one spelling of what means the same; a domain alone is one. */
function urlOf(url: string): string {
  const [, scheme = 'https', rest = url] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(url) ?? [];
  const [, authority = '', path = ''] = /^([^/?#]*)(.*)$/.exec(rest) ?? [];
  const usual = scheme.toLowerCase() === 'http' ? ':80' : ':443';
  const host = authority.toLowerCase();
  const bare = host.endsWith(usual) ? host.slice(0, -usual.length) : host;
  return `${scheme.toLowerCase()}://${hostOf(bare)}${withoutEnd(path)}`;
}

function withoutEnd(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end--;
  return path.slice(0, end);
}

const pathOf = (path: string): string => withoutEnd(posix.normalize(path)) || '/';

/** Whose account is opened: a master user's name behind the account's own, or beside it, is only how. */
function loginOf(auth: unknown): unknown {
  const login = textAt(auth, ['authorizationId']) ?? textAt(auth, ['username']);
  return login?.replace(/^(\{account\}[^*]*)\*.*$/, '$1') ?? null;
}
