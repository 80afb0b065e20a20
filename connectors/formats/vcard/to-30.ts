/** The properties of a vCard 4.0 as RFC 2426 and Apple's address book have them. */
import { escapedText } from '../icalendar/mending.js';
import type { Property } from './card.js';
import { canonicalDate } from './dates.js';
import { MEDIA, mediaTo30 } from './media.js';

type Params = Record<string, readonly string[]>;

const NAMES: Readonly<Record<string, string>> = {
  KIND: 'X-ADDRESSBOOKSERVER-KIND',
  MEMBER: 'X-ADDRESSBOOKSERVER-MEMBER',
  ANNIVERSARY: 'X-ANNIVERSARY',
  'X-CLASS': 'CLASS',
  'X-MAILER': 'MAILER',
};
const DATES = new Set(['BDAY', 'X-ANNIVERSARY']);
/** The year Apple's address book gives to dates without one. */
const NO_YEAR = '1604';

export function to30(properties: readonly Property[], note: (text: string) => void): Property[] {
  const preferred = mostPreferred(properties, note);
  const out: Property[] = [];
  let named = false;
  for (const property of properties) {
    if (property.name === 'N') {
      // RFC 2426, 3.1.2: one N; servers refuse a second.
      if (named) {
        note('N: vCard 3.0 has one; the alternatives in other languages or scripts were left out');
        continue;
      }
      named = true;
    }
    out.push(...one(property, preferred.has(property)));
  }
  return named ? out : [...out, { name: 'N', params: {}, value: ';;;;' }];
}

function one(property: Property, preferred: boolean): Property[] {
  const name = NAMES[property.name] ?? property.name;
  const { PREF: _, LABEL, 'SORT-AS': sortAs, TYPE = [], ...others } = property.params;
  const types = [...TYPE.flatMap((type) => type.split(',')), ...(preferred ? ['PREF'] : [])];
  const params: Params = types.length > 0 ? { ...others, TYPE: types } : others;
  const converted = valued({ ...property, name, params });
  const more: Property[] = [];
  if (LABEL?.[0] !== undefined) {
    more.push({ name: 'LABEL', params: types.length > 0 ? { TYPE: types } : {}, value: textFrom(LABEL[0]) });
  }
  if (sortAs?.[0] !== undefined) more.push({ name: 'SORT-STRING', params: {}, value: textFrom(sortAs.join(',')) });
  const onlyLabel = LABEL !== undefined && name === 'ADR' && /^;*$/.test(property.value);
  return onlyLabel ? more : [converted, ...more];
}

function valued(property: Property): Property {
  const { name, value, params } = property;
  const { VALUE = [], ...others } = params;
  if (MEDIA.has(name)) return mediaTo30(property);
  if (DATES.has(name)) return dated(property);
  if (name === 'TEL' && /^tel:/i.test(value))
    return { ...property, params: others, value: escapedText(value.slice(4)) };
  if (name === 'GEO') {
    const place = /^geo:([-+\d.]+)\\?,([-+\d.]+)$/i.exec(value);
    return place ? { ...property, params: others, value: `${place[1]};${place[2]}` } : property;
  }
  if (name === 'TZ' && /^[-+]\d{4}$/.test(value))
    return { ...property, params: others, value: `${value.slice(0, 3)}:${value.slice(3)}` };
  if (name === 'RELATED' && others.TYPE?.some((type) => type.toLowerCase() === 'agent')) {
    const types = others.TYPE.filter((type) => type.toLowerCase() !== 'agent');
    const rest = { ...others, ...(types.length > 0 ? { TYPE: types } : {}) } as Params;
    if (types.length === 0) delete rest.TYPE;
    return {
      ...property,
      name: 'AGENT',
      params: VALUE[0]?.toLowerCase() === 'text' ? rest : { ...rest, VALUE: ['uri'] },
    };
  }
  return property;
}

/** RFC 2426, 3.1.5 wants whole dates, extended; without a year they are written as Apple does. */
function dated(property: Property): Property {
  const value = canonicalDate(property.value);
  const yearless = /^--(\d\d)(\d\d)$/.exec(value);
  if (yearless) {
    const params = { ...property.params, 'X-APPLE-OMIT-YEAR': [NO_YEAR], VALUE: ['date'] };
    return { ...property, params, value: `${NO_YEAR}-${yearless[1]}-${yearless[2]}` };
  }
  const whole = /^(\d{4})(\d\d)(\d\d)$/.exec(value);
  if (whole) return { ...property, value: `${whole[1]}-${whole[2]}-${whole[3]}` };
  return /^\d{8}T/.test(value) ? property : { ...property, params: { ...property.params, VALUE: ['text'] } };
}

/** 3.0 can only say which one is preferred: of each property the one with the lowest PREF. */
function mostPreferred(properties: readonly Property[], note: (text: string) => void): Set<Property> {
  const best = new Map<string, Property>();
  for (const property of properties) {
    if (!property.params.PREF) continue;
    const known = best.get(property.name);
    if (known) note(`${property.name}: vCard 3.0 marks only the most preferred; the order of the others was left out`);
    if (!known || rank(property) < rank(known)) best.set(property.name, property);
  }
  return new Set(best.values());
}

const rank = (property: Property): number => Number(property.params.PREF?.[0] ?? 101);

/** The text of a parameter (RFC 6868) as a value. */
function textFrom(param: string): string {
  const text = param.replace(/\^(['n^])/g, (_, code: string) => (code === 'n' ? '\n' : code === "'" ? '"' : '^'));
  return text.replace(/[\\,;\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
