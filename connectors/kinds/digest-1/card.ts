/**
 * A vCard as its properties: read tolerantly (2.1, 3.0, 4.0 and what phones write), written strictly. Well-formed cards
 * lose nothing on the way: order, groups, parameters and values stay.
 */
import { unicode } from '../../formats/icalendar/charset.js';
import { cardLines } from './card-lines.js';
import { parsedLine } from './lines.js';

export interface Property {
  /** As written, e.g. `item1`. */
  readonly group?: string;
  /** In upper case. */
  readonly name: string;
  /**
   * Names in upper case, values without quotes. The bare parameters of 2.1 stand under TYPE, ENCODING or VALUE. Values
   * of repeated parameters are joined in their order.
   */
  readonly params: Readonly<Record<string, readonly string[]>>;
  /** As written, unfolded: still escaped and encoded. `textOf` decodes. A nested card (AGENT of 2.1) has LF line ends. */
  readonly value: string;
}

export interface Card {
  /** `2.1`, `3.0`, `4.0`, or what the card says; `3.0` where it says nothing. */
  readonly version: string;
  /** Without BEGIN, VERSION and END. */
  readonly properties: readonly Property[];
}

const ENCODINGS = new Set(['QUOTED-PRINTABLE', 'BASE64', '7BIT', '8BIT', 'B', 'Q']);
const VALUES = new Set(['URL', 'CID', 'CONTENT-ID', 'INLINE']);

/** The first card, and as `strays` every line that is no part of it: outside of BEGIN and END, or no property at all. */
export function readCard(body: Buffer): Card & { readonly strays: readonly string[] } {
  const strays: string[] = [];
  let version = '3.0';
  let state: 'before' | 'inside' | 'after' = 'before';
  const properties: Property[] = [];
  for (const line of cardLines(body)) {
    const parsed = parsedLine(line);
    if (state === 'before' && parsed?.name === 'BEGIN' && /^\s*VCARD\s*$/i.test(parsed.value)) state = 'inside';
    else if (state !== 'inside' || !parsed) strays.push(unicode(line));
    else if (parsed.name === 'END') state = 'after';
    else if (parsed.name === 'VERSION') version = parsed.value.trim();
    else {
      const params: Record<string, string[]> = {};
      for (const param of parsed.params) {
        const bare = param.values.length === 0;
        const name = bare
          ? ENCODINGS.has(param.name)
            ? 'ENCODING'
            : VALUES.has(param.name)
              ? 'VALUE'
              : 'TYPE'
          : param.name;
        const values = bare ? [param.name] : param.values.map((value) => unicode(value));
        const known = params[name];
        if (known) known.push(...values);
        else params[name] = values;
      }
      const charset = params.CHARSET?.[0];
      properties.push({
        ...(parsed.group === undefined ? {} : { group: unicode(parsed.group) }),
        name: unicode(parsed.name),
        params,
        value: unicode(parsed.value, charset),
      });
    }
  }
  return { version, properties, strays };
}

/** Whether the value is base64 of something that is no text. */
export function isBinary(property: Property): boolean {
  const encoding = property.params.ENCODING?.[0]?.toUpperCase();
  return encoding === 'B' || encoding === 'BASE64';
}

/** The value without quoted-printable; escapes stay. */
export function decodedValue(property: Property): string {
  const encoding = property.params.ENCODING?.[0]?.toUpperCase();
  if (encoding !== 'QUOTED-PRINTABLE' && encoding !== 'Q') return property.value;
  const bytes = Buffer.from(property.value)
    .toString('latin1')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return unicode(bytes.replace(/\r\n?/g, '\n'), property.params.CHARSET?.[0]);
}
