/** Byte text as Unicode, whatever the character set. */

const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const WESTERN = 'windows-1252';

/**
 * Byte text as Unicode: UTF-8 where it is, else the character set it names, else Windows-1252. UTF-8 goes first because
 * Radicale recodes a value to UTF-8 and leaves `CHARSET=ISO-8859-1` beside it.
 */
export function unicode(bytes: string, charset?: string): string {
  if (!/[\x80-\xff]/.test(bytes)) {
    // These say with ESC that other letters follow.
    return /^iso-2022-/i.test(charset ?? '')
      ? decoderOf(charset as string).decode(Buffer.from(bytes, 'latin1'))
      : bytes;
  }
  const buffer = Buffer.from(bytes, 'latin1');
  try {
    return fatal.decode(buffer);
  } catch {
    const whole = withoutHalves(bytes);
    if (whole !== bytes) return unicode(whole, charset);
    const decoder = decoderOf(charset ?? WESTERN);
    return decoder.encoding === WESTERN ? western(bytes) : decoder.decode(buffer);
  }
}

/** Letters beyond U+FFFF as Java and Oracle write them (CESU-8): each half of a surrogate pair as a letter of its own. */
function withoutHalves(bytes: string): string {
  return bytes.replace(/\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])/g, (...found) => {
    const [a, b, c, d] = found.slice(1, 5).map((byte) => (byte as string).charCodeAt(0)) as [
      number,
      number,
      number,
      number,
    ];
    const high = ((a & 0x0f) << 6) | (b & 0x3f);
    const low = ((c & 0x0f) << 6) | (d & 0x3f);
    return Buffer.from(String.fromCodePoint(0x10000 + (high << 10) + low)).toString('latin1');
  });
}

/** UTF-16 with a byte order mark (old address books of Apple, Windows) as UTF-8; everything else as it is. */
export function utf8Bytes(body: Buffer): Buffer {
  const charset = utf16In(body);
  return charset === undefined ? body : Buffer.from(new TextDecoder(charset).decode(body));
}

function utf16In([first, second]: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}

/** The same for a file that streams in. */
export async function* utf8Chunks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const chunk of chunks) {
    let next = chunk;
    if (head) {
      next = head.length > 0 ? Buffer.concat([head, chunk]) : chunk;
      head = next.length < 2 ? next : undefined;
      if (head) continue;
      const charset = utf16In(next);
      if (charset !== undefined) decoder = new TextDecoder(charset);
    }
    yield decoder ? Buffer.from(decoder.decode(next, { stream: true })) : next;
  }
  if (head && head.length > 0) yield head;
  if (decoder) yield Buffer.from(decoder.decode());
}

function decoderOf(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset);
  } catch {
    // A character set that nobody knows: any table of single bytes keeps them apart.
    return new TextDecoder(WESTERN);
  }
}

/** 0x80 to 0x9f of Windows-1252 (WHATWG Encoding); Node 20 decodes them as if they were Latin-1. */
const HIGH_CONTROLS =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

function western(bytes: string): string {
  return bytes.replace(/[\x80-\x9f]/g, (character) => HIGH_CONTROLS[character.charCodeAt(0) - 0x80] as string);
}
