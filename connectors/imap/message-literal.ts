/** A message as APPEND takes it; connectors/kinds/mail.ts says which rewriting leaves it equal. */

const NUL = 0;
const LF = 10;
const CR = 13;
/** What Dovecot itself makes of NUL; the equality of mail allows it. */
const NUL_STANDS_AS = 0x80;

export interface MessageLiteral {
  readonly bytes: Buffer;
  /** To be sent as literal8 (RFC 3516). */
  readonly binary: boolean;
  readonly notes: readonly string[];
}

/**
 * Bare line feeds become CRLF. NUL goes as it is in a literal8 where the server has BINARY, unless the message
 * declares a binary part: a server may re-encode those (RFC 3516, section 4.3). An empty message becomes one
 * empty line: an empty literal would cancel a MULTIAPPEND (RFC 3502).
 */
export function messageLiteral(body: Buffer, hasBinary: boolean): MessageLiteral {
  if (body.length === 0)
    return {
      bytes: Buffer.from('\r\n'),
      binary: false,
      notes: ['the message was empty; it is stored as one empty line'],
    };
  const bytes = withCrlf(body);
  if (!bytes.includes(NUL)) return { bytes, binary: false, notes: [] };
  const declaresBinary = /content-transfer-encoding:\s*binary/i.test(bytes.toString('latin1'));
  if (hasBinary && !declaresBinary) return { bytes, binary: true, notes: [] };
  const replaced = Buffer.from(bytes);
  for (let at = replaced.indexOf(NUL); at !== -1; at = replaced.indexOf(NUL, at + 1)) replaced[at] = NUL_STANDS_AS;
  return { bytes: replaced, binary: false, notes: ['NUL bytes were replaced by 0x80: the target takes none'] };
}

function withCrlf(body: Buffer): Buffer {
  let bare = 0;
  for (let at = body.indexOf(LF); at !== -1; at = body.indexOf(LF, at + 1)) if (body[at - 1] !== CR) bare++;
  if (bare === 0) return body;
  const out = Buffer.allocUnsafe(body.length + bare);
  let to = 0;
  let from = 0;
  for (let at = body.indexOf(LF); at !== -1; at = body.indexOf(LF, at + 1)) {
    if (body[at - 1] === CR) continue;
    to += body.copy(out, to, from, at);
    out[to++] = CR;
    from = at;
  }
  body.copy(out, to, from);
  return out;
}
