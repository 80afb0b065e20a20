/**
 * A property in the words of 3.0, whatever its card is written in: in Unicode, without quoted-printable, with the escapes
 * of 3.0. What is compared, searched or converted is read from this form.
 */
import type { Card, Property } from './card.js';
import { decodedValue, isBinary, readCard } from './card.js';

const COMPOUND = new Set(['N', 'ADR', 'ORG']);
const LISTS = new Set(['NICKNAME', 'CATEGORIES']);
const ADDRESSES = new Set(['URL', 'GEO']);
const ADDRESS_VALUES = new Set(['URL', 'URI', 'CID', 'CONTENT-ID']);

/** The properties of the first card in the body, each in the words of 3.0, or of 4.0 where it says so. */
export function plainCard(body: Buffer): Card {
  const card = readCard(body);
  return { version: isModern(card.version) ? card.version : '3.0', properties: plainProperties(card) };
}

export function plainProperties({ version, properties }: Card): readonly Property[] {
  const modern = isModern(version);
  return properties.map((property) => (modern && !isEncoded(property) ? property : plain(property, version)));
}

/** What names no known version is read tolerantly, as 2.1 has to be. */
export const isModern = (version: string): boolean => version === '3.0' || version === '4.0';

/** Whether it is written in a way that only 2.1 knows. */
export function isEncoded({ params }: Property): boolean {
  return params.CHARSET !== undefined || (params.ENCODING !== undefined && !/^b$/i.test(params.ENCODING[0] ?? ''));
}

export function plain(property: Property, version: string): Property {
  const { ENCODING: _, CHARSET: __, VALUE = [], ...others } = property.params;
  const address = VALUE.some((value) => ADDRESS_VALUES.has(value.toUpperCase()));
  const kept = VALUE.filter((value) => !ADDRESS_VALUES.has(value.toUpperCase()) && value.toUpperCase() !== 'INLINE');
  const params = {
    ...others,
    ...(address ? { VALUE: ['uri'] } : kept.length > 0 ? { VALUE: kept } : {}),
  };
  if (isBinary(property))
    return { ...property, params: { ENCODING: ['b'], ...params }, value: property.value.replace(/\s+/g, '') };
  if (address) return { ...property, params, value: property.value };
  const decoded = decodedValue(property).replace(/^\n/, '');
  return { ...property, params, value: isModern(version) ? lined(decoded) : from21(property.name, decoded) };
}

const lined = (text: string): string => text.replaceAll('\n', '\\n');

/** 2.1 escapes semicolons and nothing else: a backslash before any other letter is a backslash, a comma is a comma. */
function from21(name: string, value: string): string {
  if (ADDRESSES.has(name)) return lined(value);
  if (LISTS.has(name)) return lined(value.replace(/\\(?![,;])/g, '\\\\'));
  if (COMPOUND.has(name))
    return value
      .split(/(?<!\\);/)
      .map(escaped21)
      .join(';');
  return escaped21(value);
}

const escaped21 = (text: string): string =>
  lined(text.replace(/\\;|[\\,;]/g, (found) => (found === '\\;' ? found : `\\${found}`)));

/** The text of one value in the words of 2.1: quoted-printable, in UTF-8. */
export function quotedPrintable(property: Property, text: string): Property {
  const bytes = Buffer.from(text).toString('latin1');
  const value = bytes.replace(
    /[^\x20-\x3c\x3e-\x7e]|[ \t]$/g,
    (byte) => `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  const { ENCODING: _, CHARSET: __, ...params } = property.params;
  return { ...property, params: { ...params, ENCODING: ['QUOTED-PRINTABLE'], CHARSET: ['UTF-8'] }, value };
}
