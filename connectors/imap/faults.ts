/** From a server's NO, BAD or BYE to our faults. Sources: RFC 5530, RFC 9051, and the servers named beside each text. */
import type { FaultCode } from '../errors.js';
import { Fault } from '../errors.js';
import { maskAddresses } from '../wire/mask-addresses.js';
import type { WayThere } from '../wire/unreachable.js';
import { unreachable } from '../wire/unreachable.js';
import type { StatusReply } from './reply.js';

/** What was being done: it decides what an answer without a code means. */
export type Phase = 'login' | 'message' | 'other';

export interface FaultContext {
  /** The command's name, e.g. `UID FETCH`; never its arguments. */
  readonly command: string;
  readonly phase: Phase;
  /** Strings that must not appear in the message. */
  readonly secrets?: readonly string[];
}

interface Verdict {
  readonly code: FaultCode;
  readonly retryAfterMs?: number;
  readonly next?: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const MAX_JUDGED = 2_000;

/** Texts that outweigh the response code: servers send throttling under every code. First match wins. */
const TEXTS: readonly (readonly [RegExp, Verdict])[] = [
  // Exchange Online: "Request is throttled. Suggested Backoff Time: 92415 milliseconds"
  [
    /throttled|throttling|rate.?limit|too many (requests|commands)|slow down/i,
    { code: 'throttled', retryAfterMs: MINUTE },
  ],
  // Gmail, under [OVERQUOTA] or [LIMIT]: "Account exceeded command or bandwidth limits."
  [
    /(command or )?bandwidth limits?/i,
    {
      code: 'throttled',
      retryAfterMs: 10 * MINUTE,
      next: 'the provider limits traffic a day; lower the limits in the spec or wait',
    },
  ],
  // Gmail "Too many simultaneous connections", Dovecot "Maximum number of connections from user+IP exceeded", Cyrus "Too many open connections"
  [
    /too many (simultaneous |open |concurrent )?(connections|logins|sessions)|maximum number of connections|connection limit|connections? limit exceeded/i,
    {
      code: 'throttled',
      retryAfterMs: 15 * SECOND,
      next: 'lower limits.connectionsPerAccount in the spec, or raise the limit on the server',
    },
  ],
  // Exchange Online, when its back end is busy: the login is good.
  [/user is authenticated but not connected/i, { code: 'throttled', retryAfterMs: 30 * SECOND }],
  // Exchange Online ends sessions so when the access token runs out; a new login brings a new one.
  [/session invalidated|accesstokenexpired/i, { code: 'unavailable' }],
];

const CODES: Readonly<Record<string, Verdict>> = {
  AUTHENTICATIONFAILED: { code: 'credentials' },
  AUTHORIZATIONFAILED: { code: 'credentials', next: 'check that this login may act for the account' },
  EXPIRED: { code: 'credentials', next: 'renew the password or token' },
  WEBALERT: { code: 'credentials', next: 'log in with a browser once, and see what the provider asks' },
  CONTACTADMIN: { code: 'credentials', next: "ask the server's administrator" },
  PRIVACYREQUIRED: { code: 'spec', next: 'set tls to implicit or starttls' },
  UNAVAILABLE: { code: 'unavailable' },
  INUSE: { code: 'throttled', retryAfterMs: 5 * SECOND },
  OVERQUOTA: { code: 'quota', next: 'make room in the target or raise its quota' },
  TRYCREATE: { code: 'not-found' },
  NONEXISTENT: { code: 'not-found' },
  ALREADYEXISTS: { code: 'conflict' },
  EXPUNGEISSUED: { code: 'source-changed' },
  NOPERM: { code: 'refused', next: 'give this login the right on the folder' },
  CANNOT: { code: 'refused' },
  LIMIT: { code: 'refused' },
  TOOBIG: { code: 'refused' },
  CORRUPTION: { code: 'refused' },
  'READ-ONLY': { code: 'refused' },
};

const QUOTA_TEXT =
  /over ?quota|quota (is )?exceeded|exceed(s|ed)? (your |the )?quota|mailbox (is )?full|insufficient storage|no space left|disk full|not enough (disk )?space/i;
const CREDENTIALS_TEXT =
  /invalid (credentials|login|user)|auth(enticat\w{2,3}|orization)? fail|login fail|bad (username|password)|application-specific password|(account|user|mailbox) (is |has been )?(disabled|locked|blocked|suspended)|basic authentication/i;
const PASSWORD_EXPIRED = /password .{0,60}expired/i;
const TEMPORARY_TEXT = /temporar|try again|later|unavailable|internal (server )?error|timed? ?out|server (is )?busy/i;

/** The fault for a reply that is not OK. */
export function faultFromReply(reply: StatusReply, context: FaultContext): Fault {
  // What a reply means stands at its beginning; the rest of a very long one is not searched.
  const judged = { ...reply, text: reply.text.slice(0, MAX_JUDGED) };
  const verdict = judge(judged, context);
  const text = redact(reply.text, context.secrets ?? []);
  const code = reply.code === undefined ? '' : ` [${reply.code.name}]`;
  const retryAfterMs = backoffMs(judged.text) ?? verdict.retryAfterMs;
  return new Fault(verdict.code, `${context.command}: the server answered ${reply.status}${code} ${text}`.trimEnd(), {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(verdict.next === undefined ? {} : { next: verdict.next }),
  });
}

function judge(reply: StatusReply, { phase }: FaultContext): Verdict {
  const { text } = reply;
  for (const [pattern, verdict] of TEXTS) if (pattern.test(text)) return verdict;
  if (backoffMs(text) !== undefined) return { code: 'throttled' };
  const name = reply.code?.name ?? '';
  if (phase === 'login') {
    if (name === 'LIMIT') return { code: 'throttled', retryAfterMs: 15 * SECOND };
    if (name === 'NOPERM' || name === 'CANNOT') return { code: 'credentials' };
  }
  const byCode = CODES[name];
  if (byCode !== undefined) return byCode;
  if (QUOTA_TEXT.test(text)) return { code: 'quota', next: 'make room in the target or raise its quota' };
  if (reply.status === 'BYE') return byeVerdict(text, phase);
  if (phase === 'login') return loginVerdict(text);
  if (phase === 'message') return { code: 'refused' };
  if (TEMPORARY_TEXT.test(text) || name === 'SERVERBUG') return { code: 'unavailable' };
  return { code: 'refused' };
}

const saysCredentials = (text: string): boolean => CREDENTIALS_TEXT.test(text) || PASSWORD_EXPIRED.test(text);

function loginVerdict(text: string): Verdict {
  if (TEMPORARY_TEXT.test(text) && !saysCredentials(text)) return { code: 'unavailable' };
  return { code: 'credentials', next: 'see that IMAP is allowed for the account' };
}

function byeVerdict(text: string, phase: Phase): Verdict {
  if (phase === 'login' && saysCredentials(text)) return loginVerdict(text);
  return { code: 'unavailable' };
}

/** The fault for an error of the socket. A certificate does not become right by trying again. */
export function faultFromNetwork(where: string, error: Error, way?: WayThere): Fault {
  const fault = way && unreachable(error, way);
  return fault ?? new Fault('unavailable', `the IMAP connection broke${where}: ${error.message}`, { cause: error });
}

/** The time a server asked for, in milliseconds. */
function backoffMs(text: string): number | undefined {
  const milliseconds = /backoff time:?\s*(\d+)\s*milliseconds/i.exec(text);
  if (milliseconds) return Number(milliseconds[1]);
  const units = /(?:try again|retry)(?: after| in)?:?\s+(\d+)\s*(second|sec|minute|min|hour)/i.exec(text);
  if (!units) return undefined;
  const unit = (units[2] as string).toLowerCase();
  return Number(units[1]) * (unit.startsWith('s') ? SECOND : unit.startsWith('m') ? MINUTE : 60 * MINUTE);
}

/** Server words without secrets and addresses, on one line, at most 300 characters. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    for (const form of [secret, Buffer.from(secret).toString('base64')]) {
      if (form.length > 0) clean = clean.replaceAll(form, '<secret>');
    }
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a terminal
  clean = maskAddresses(clean.replace(/[\x00-\x1f\x7f]+/g, ' '), '<address>');
  return clean.length > 300 ? `${clean.slice(0, 300)}…` : clean;
}
