/** Modified UTF-7 (RFC 3501, section 5.1.3), as Maildir folders are named on disk. */

/** `mustEscape` tells characters beyond those of the RFC that must not stand as they are, e.g. `.` in Maildir++. */
export function encodeModifiedUtf7(
  text: string,
  mustEscape: (char: string, at: number) => boolean = () => false,
): string {
  let out = '';
  let run = '';
  const flush = () => {
    if (run === '') return;
    out += `&${Buffer.from(run, 'utf16le')
      .swap16()
      .toString('base64')
      .replaceAll('/', ',')
      .replace(/={1,2}$/, '')}-`;
    run = '';
  };
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char < ' ' || char > '~' || mustEscape(char, at)) {
      run += char;
      continue;
    }
    flush();
    out += char === '&' ? '&-' : char;
  }
  flush();
  return out;
}

/** The text, or undefined when `encoded` is not modified UTF-7. Accepts runs that a strict encoder would not make. */
export function decodeModifiedUtf7(encoded: string): string | undefined {
  let broken = false;
  const text = encoded.replace(/&([^-&]*)(-|&|$)/g, (_, run: string, end: string) => {
    if (end !== '-' || !/^[A-Za-z0-9+,]*$/.test(run)) broken = true;
    if (broken || run === '') return '&';
    const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64');
    if (bytes.length === 0 || bytes.length % 2 !== 0) {
      broken = true;
      return '';
    }
    return bytes.swap16().toString('utf16le');
  });
  return broken ? undefined : text;
}
