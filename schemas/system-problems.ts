/** What options of systems say that no server will understand, as far as their words alone show it. */
import { allOfWords, quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { mappingAt } from './problem.js';
import { didYouMean } from './suggest.js';

/** Of every system; a wrong word would show only when a worker speaks to a server, or lead to another place. */
export function systemOptionProblems(spec: unknown): Problem[] {
  return ['sources', 'targets'].flatMap((group) =>
    [...textsIn(mappingAt(spec, [group]), [group])].flatMap(({ path, text }) => {
      if (path[2] === 'type' || path[2] === 'limits') return [];
      const message =
        (path.at(-1) === 'env' ? variableProblem(text) : undefined) ??
        loginInUrl(text) ??
        (path.at(-1) === 'host' ? hostProblem(text) : undefined) ??
        template(text);
      return message === undefined ? [] : [{ path, at: 'value', message } satisfies Problem];
    }),
  );
}

interface Text {
  readonly path: readonly string[];
  readonly text: string;
}

function* textsIn(value: unknown, path: readonly string[]): Generator<Text> {
  if (typeof value === 'string') yield { path, text: value };
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) yield* textsIn(inner, [...path, key]);
}

/** The words themselves are not repeated: they hold a password. */
function loginInUrl(text: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(text)) return undefined;
  return 'a URL may not hold a login: write the name under auth, and the password there as { env: NAME } or { file: /path }';
}

function hostProblem(text: string): string | undefined {
  // A folder of a Unix socket.
  if (text.startsWith('/')) return undefined;
  const [, scheme, authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(text) ?? [];
  const [, name, port] = /^([^:]+|\[[^\]]*\])(?::(\d+))?$/.exec(scheme === undefined ? text : authority) ?? [];
  if (scheme !== undefined || port !== undefined) {
    const tls = TLS_OF[scheme?.toLowerCase() ?? ''];
    const fields = [name && `host: ${bare(name)}`, port && `port: ${port}`, tls].filter(Boolean);
    const instead = fields.length > 0 ? `: write ${allOfWords(fields as string[])}` : '';
    return `host is the name or address of a server alone${instead}`;
  }
  if (text.startsWith('[')) return 'an address of IPv6 stands without brackets in host';
  if (/[\s/?#@]/.test(text)) return 'host is the name or address of a server alone';
  return undefined;
}

/** A variable for each account would be called as the account is. */
function variableProblem(text: string): string | undefined {
  if (!text.includes('{account}')) return undefined;
  return 'an account cannot name an environment variable: e-mail addresses are not names of variables; keep a secret for each account in a file: { file: "/run/secrets/{account}" }';
}

/** What the schemes of mail clients mean; `implicit` is the default. */
const TLS_OF: Readonly<Record<string, string>> = { imap: 'tls: starttls', imaps: 'tls: implicit' };

const bare = (name: string): string => name.replace(/^\[(.*)\]$/, '$1');

function template(text: string): string | undefined {
  const doubled = /\{{2,9}\s{0,9}account\s{0,9}\}{2,9}/.exec(text)?.[0];
  if (doubled !== undefined) return `${quote(doubled)} has braces too many: write "{account}"`;
  for (const [written, word = ''] of text.matchAll(/\{\s*([A-Za-z][\w.-]*)\s*\}/g)) {
    if (written !== '{account}')
      return `${quote(written)} stands for nothing${didYouMean(word, ['account']).replace('"account"', '"{account}"') || '; only {account} is filled in'}`;
  }
  return undefined;
}
