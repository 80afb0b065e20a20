/** Byte text as Unicode, whatever the character set. */

const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const WESTERN = 'windows-1252';

/**
 * Byte text as Unicode: UTF-8 where it is, else the character set it names, else Windows-1252. UTF-8 goes first because
 * Radicale recodes a value to UTF-8 and leaves `CHARSET=ISO-8859-1` beside it.
 */
export function unicode(bytes: string, charset?: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  try {
    return fatal.decode(buffer);
  } catch {
    const decoder = decoderOf(charset ?? WESTERN);
    return decoder.encoding === WESTERN ? western(bytes) : decoder.decode(buffer);
  }
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
