/** What PostgreSQL's errors mean (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
import type { FaultCode } from '../errors.js';
import { Fault } from '../errors.js';
import { maskAddresses } from '../wire/mask-addresses.js';

type Verdict = readonly [pattern: RegExp, code: FaultCode, next: string];

/** By SQLSTATE, or by the code that Node gives to an error of the network. The first that matches counts. */
const CODES: readonly Verdict[] = [
  [/^28|^42501$/, 'credentials', 'check the role, its password and its rights on the table'],
  [/^3D000$|^3F000$|^42|^0A/, 'spec', 'correct database, table or columns in the spec'],
  [/^25006$/, 'spec', 'name the primary server: this one only reads'],
  [/^53100$|^ENOSPC$/, 'quota', 'make room on the database server'],
  [/^53|^57P03$|^55P03$|^57014$/, 'throttled', 'wait, or allow more connections'],
  [/^(?:2[1-37]|38|39|44|54|P0)/, 'refused', 'see what the table asks of the row'],
  [/^(?:08|25|40|55|57|58)/, 'unavailable', 'check that the database runs'],
  [/^(?:DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS_CERT)/, 'spec', "name the server's own CA with ca"],
  [/^(?:ERR_SSL_|EPROTO)/, 'spec', 'check port and tls'],
  [/^E[A-Z_]+$/, 'unavailable', 'check host and port, and that the database can be reached from the worker'],
];

/** Errors of the client library, which have no code. */
const WORDS: readonly Verdict[] = [
  [/does not support SSL/, 'spec', 'set up TLS on the server; tls: none sends everything in the clear'],
  [/SASL|password/i, 'credentials', 'check the role and its password'],
  [/terminated|Client was closed|not queryable|timeout/i, 'unavailable', 'check that the database runs'],
];

/** How long a server that has no connection left is let alone. */
const RETRY_MS = 5_000;

/** A unique or exclusion constraint said that the row is there already. */
export function isTaken(error: unknown): boolean {
  return /^23(?:505|P01)$/.test(codeOf(error));
}

/**
 * The fault an error stands for. Its message is the database's own, without DETAIL, CONTEXT or the statement, which name
 * values; `values` are those of the rows in question, and are taken out of the message as well.
 */
export function faultOf(error: unknown, where: string, values: readonly string[] = []): Fault {
  if (error instanceof Fault) return error;
  const sqlState = codeOf(error);
  const { message } = error as Error;
  const [, code, next] = CODES.find(([pattern]) => pattern.test(sqlState)) ??
    (sqlState === '' ? WORDS.find(([pattern]) => pattern.test(message)) : undefined) ?? [
      undefined,
      'internal' as const,
      'report this with the error code',
    ];
  const words = [withoutValues(message, values), sqlState && `(${sqlState})`].filter(Boolean).join(' ');
  return new Fault(code, `${where}: ${words}`, {
    next,
    // Only a row's own refusal quotes it: the error itself, with its DETAIL, goes no further then.
    ...(code !== 'refused' && { cause: error }),
    ...(code === 'throttled' && { retryAfterMs: RETRY_MS }),
  });
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** Triggers and type checks may quote what was to be stored. */
function withoutValues(message: string, values: readonly string[]): string {
  let text = message;
  const longestFirst = values.filter((value) => value.length > 2).sort((a, b) => b.length - a.length);
  for (const value of longestFirst) text = text.replaceAll(value, '…');
  return maskAddresses(text.replace(/: "[^"]*"$/s, ': "…"'), '…').slice(0, 500);
}
