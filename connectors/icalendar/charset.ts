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
    return decoderOf(charset ?? WESTERN).decode(buffer);
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
