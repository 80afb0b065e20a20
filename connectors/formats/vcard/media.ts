/** Photos, logos, sounds and keys: inside the card or elsewhere, in the spellings of 3.0 and 4.0. */
import type { Property } from './card.js';
import { isBinary } from './card.js';

export const MEDIA = new Set(['PHOTO', 'LOGO', 'SOUND', 'KEY']);

const FAMILY: Readonly<Record<string, string>> = { PHOTO: 'image', LOGO: 'image', SOUND: 'audio', KEY: 'application' };
const SPECIAL: Readonly<Record<string, string>> = {
  'application/pgp': 'application/pgp-keys',
  'application/x509': 'application/pkix-cert',
};
const WORD_OF: Readonly<Record<string, string>> = { 'application/pgp-keys': 'PGP', 'application/pkix-cert': 'X509' };

/** How files of a kind begin, in base64. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['/9j/', 'image/jpeg'],
  ['iVBORw0KG', 'image/png'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['LS0tLS1CRUdJTiBQR1A', 'application/pgp-keys'],
];

/** `ENCODING=b;TYPE=JPEG` as a data URI; the TYPE of what lies elsewhere as MEDIATYPE. */
export function mediaTo40(property: Property): Property {
  const { ENCODING: _, TYPE = [], VALUE: __, ...others } = property.params;
  const [word] = TYPE.filter((type) => type.toUpperCase() !== 'PREF');
  const stated = word === undefined ? undefined : mediaType(property.name, word);
  if (isBinary(property)) {
    const content = property.value.replace(/^data:[^;,]*;base64,/i, '').replace(/\s+/g, '');
    const type = stated ?? SIGNATURES.find(([begin]) => content.startsWith(begin))?.[1] ?? 'application/octet-stream';
    return { ...property, params: others, value: `data:${type};base64,${content}` };
  }
  return { ...property, params: stated === undefined ? others : { ...others, MEDIATYPE: [stated] } };
}

/** A data URI as `ENCODING=b;TYPE=JPEG`; anything else as `VALUE=uri`, its MEDIATYPE as TYPE. */
export function mediaTo30(property: Property): Property {
  const { MEDIATYPE = [], VALUE = [], ...others } = property.params;
  const data = /^data:[^,]*?\\?;base64\\?,/i.exec(property.value);
  if (data) {
    const word = wordOf(data[0].slice('data:'.length).split(/[;,\\]/, 1)[0] as string);
    const type: Record<string, readonly string[]> = word === undefined ? {} : { TYPE: [word] };
    return {
      ...property,
      params: { ENCODING: ['b'], ...others, ...type },
      value: property.value.slice(data[0].length),
    };
  }
  if (VALUE.some((value) => value.toUpperCase() === 'TEXT')) return property;
  const word = MEDIATYPE[0] === undefined ? undefined : wordOf(MEDIATYPE[0]);
  return {
    ...property,
    params: { ...others, VALUE: ['uri'], ...(word === undefined ? {} : { TYPE: [word] }) },
  };
}

function mediaType(name: string, word: string): string {
  const lower = word.toLowerCase();
  if (lower.includes('/')) return lower;
  const type = `${FAMILY[name] ?? 'application'}/${lower === 'jpg' ? 'jpeg' : lower}`;
  return SPECIAL[type] ?? type;
}

/** The word for TYPE in 3.0; none for bytes that nobody can name. */
function wordOf(type: string): string | undefined {
  const lower = type.toLowerCase();
  if (lower === '' || lower === 'application/octet-stream') return undefined;
  return WORD_OF[lower] ?? (lower.split('/')[1] as string).toUpperCase();
}
