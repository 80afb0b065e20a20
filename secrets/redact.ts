/** Keeps secrets out of everything that leaves the worker: logs, errors, history, reports. */

const MASK = '[redacted]';
/** Shorter secrets are masked as whole words only: masking every "a" would hide nothing and ruin the text. */
const SHORTEST_ANYWHERE = 4;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // user:password@ in a URL; the user may stay.
  [/(:\/\/[^\s:/@]*):[^\s/@]+@/g, `$1:${MASK}@`],
  [
    /\b((?:authorization|proxy-authorization)["']?\s*[:=]\s*["']?(?:basic|bearer|digest|negotiate)\s+)[^\s"',;]+/gi,
    `$1${MASK}`,
  ],
  [/\b(bearer\s+)[a-z0-9._~+/-]{8,}=*/gi, `$1${MASK}`],
  // password=…, "access_token": "…", secret: '…'
  [
    /\b((?:pass(?:word|wd|phrase)?|pwd|secret|(?:access|refresh|id)[_-]?token|token|api[_-]?key|client[_-]?secret)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"',;&})\]]+)/gi,
    `$1${MASK}`,
  ],
  // SASL with an initial response, in IMAP and elsewhere (RFC 4959).
  [
    /\b(AUTH(?:ENTICATE)?\s+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5|SCRAM-SHA-\d+)\s+)(?!\[redacted\])[A-Za-z0-9+/]{4,}={0,2}/gi,
    `$1${MASK}`,
  ],
  // IMAP LOGIN user password (RFC 9051, 6.2.3).
  [/\b(LOGIN\s+(?:"(?:[^"\\]|\\.)*"|[^\s"]+)\s+)("(?:[^"\\]|\\.)*"|[^\s"]+)/g, `$1${MASK}`],
];

/** Masks what looks like a secret by its surroundings. Addresses, hosts and names stay readable. */
export function redactText(text: string): string {
  let redacted = text;
  for (const [pattern, replacement] of PATTERNS) redacted = redacted.replace(pattern, replacement);
  return redacted;
}

/** Remembers secrets that were resolved, and masks them wherever and in whatever encoding they appear. */
export interface Redactor {
  /** From now on this value is masked. */
  remember(secret: string): void;
  /** The text without remembered secrets and without what looks like one. */
  text(text: string): string;
  /**
   * The error with message, stack and causes redacted, as a new `Error` of the same name; other own members
   * (`code`, `retryAfterMs` …) are kept, texts among them redacted.
   */
  error(error: unknown): Error;
}

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  let forms: readonly string[] = [];
  let words: RegExp | undefined;

  const text = (from: string): string => {
    let redacted = from;
    for (const form of forms) redacted = redacted.replaceAll(form, MASK);
    if (words !== undefined) redacted = redacted.replace(words, MASK);
    return redactText(redacted);
  };
  const error = (from: unknown, depth = 0): Error => {
    if (!(from instanceof Error)) return new Error(text(String(from)));
    const redacted = new Error(text(from.message));
    redacted.name = from.name;
    if (from.stack !== undefined) redacted.stack = text(from.stack);
    for (const [key, value] of Object.entries(from)) {
      if (['name', 'message', 'stack', 'cause'].includes(key)) continue;
      Object.assign(redacted, { [key]: redactValue(value, text) });
    }
    // Ten causes tell the story; a chain that bites its tail has none.
    if (from.cause !== undefined && depth < 10) redacted.cause = error(from.cause, depth + 1);
    return redacted;
  };
  return {
    remember: (secret) => {
      if (secret === '' || secrets.has(secret)) return;
      secrets.add(secret);
      const long = [...secrets].filter((known) => known.length >= SHORTEST_ANYWHERE);
      const short = [...secrets].filter((known) => known.length < SHORTEST_ANYWHERE);
      // The longest first: a secret may contain another.
      forms = [...new Set(long.flatMap(encodings))].sort((a, b) => b.length - a.length);
      words =
        short.length === 0
          ? undefined
          : new RegExp(`(?<![\\p{L}\\p{N}])(?:${short.map(escapeRegExp).join('|')})(?![\\p{L}\\p{N}])`, 'gu');
    },
    text,
    error: (from) => error(from),
  };
}

function redactValue(value: unknown, text: (from: string) => string): unknown {
  return typeof value === 'string' ? text(value) : value;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** How a secret may look in a protocol, a URL, JSON or a quoted string. */
function encodings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeUrl(secret),
    encodeUrl(secret).replaceAll('%20', '+'),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    ...base64Windows(bytes),
  ].filter((form) => form.length >= SHORTEST_ANYWHERE);
}

function encodeUrl(secret: string): string {
  // Lone surrogates have no UTF-8 form; encodeURIComponent would throw.
  return encodeURIComponent(Buffer.from(secret).toString());
}

/**
 * The part of its base64 that does not depend on what stands around it, for each of the three ways the bytes
 * can fall. So the secret is found in SASL PLAIN (NUL user NUL secret), XOAUTH2 and Basic without knowing the user.
 */
function base64Windows(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/={1,2}$/, '');
    const from = shift === 0 ? 0 : shift + 1;
    const to = Math.floor(((shift + bytes.length) * 8) / 6);
    const window = encoded.slice(from, to);
    // Few characters would match by chance.
    return window.length < SHORTEST_ANYWHERE ? [] : [window, window.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
