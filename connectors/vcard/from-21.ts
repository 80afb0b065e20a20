/** One property of vCard 2.1 as 3.0 writes it: in UTF-8, without quoted-printable, with escapes. */
import { splitAt } from '../icalendar/lines.js';
import { escapedText } from '../icalendar/mending.js';
import type { Property } from './card.js';
import { decodedValue, isBinary } from './card.js';

const COMPOUND = new Set(['N', 'ADR', 'ORG']);
const LISTS = new Set(['NICKNAME', 'CATEGORIES']);
const ADDRESS_VALUES = new Set(['URL', 'URI', 'CID', 'CONTENT-ID']);

export function from21(property: Property): Property {
  const { ENCODING: _, CHARSET: __, VALUE = [], ...others } = property.params;
  const address = VALUE.some((value) => ADDRESS_VALUES.has(value.toUpperCase()));
  const kept = VALUE.filter((value) => !ADDRESS_VALUES.has(value.toUpperCase()) && value.toUpperCase() !== 'INLINE');
  const params = {
    ...others,
    ...(address ? { VALUE: ['uri'] } : kept.length > 0 ? { VALUE: kept } : {}),
  };
  if (isBinary(property))
    return { ...property, params: { ENCODING: ['b'], ...params }, value: property.value.replace(/\s+/g, '') };
  return { ...property, params, value: address ? property.value : textValue(property) };
}

function textValue(property: Property): string {
  const decoded = decodedValue(property).replace(/^\n/, '');
  const value = decoded.replaceAll('\n', '\\n');
  if (COMPOUND.has(property.name))
    return splitAt(value, ';')
      .map((part) => (property.name === 'ORG' ? escapedText(part, ',') : part))
      .join(';');
  return LISTS.has(property.name) || property.name === 'URL' || property.name === 'GEO' ? value : escapedText(value);
}
