/**
 * The canonical form of a vCard: equal texts, equal meaning, whatever the version. It is JSON of the structure (lines of
 * name, parameters, value), so that nothing in a value can pass for structure. The rules and their reasons are in
 * docs/equality.md.
 */
import { splitAt, unescaped } from '../icalendar/lines.js';
import type { Card, Property } from './card.js';
import { isBinary } from './card.js';
import { canonicalDate } from './dates.js';
import { plainProperties } from './plain.js';

/** Bookkeeping that servers and clients rewrite at every save, and that nobody would miss. */
const BOOKKEEPING = new Set(['PRODID', 'REV', 'X-RADICALE-NAME', 'X-EVOLUTION-WEBDAV-ETAG', 'X-EVOLUTION-VCARD-HREF']);

/** What absence means (RFC 6350, 6.1.4; RFC 2426, 3.7.1). */
const DEFAULTS: Readonly<Record<string, string>> = { KIND: 'INDIVIDUAL', CLASS: 'PUBLIC' };

/** One property under two names: Apple's for 3.0, and that of 4.0. */
const SAME_NAME: Readonly<Record<string, string>> = {
  'X-ADDRESSBOOKSERVER-KIND': 'KIND',
  'X-ADDRESSBOOKSERVER-MEMBER': 'MEMBER',
  'X-ANNIVERSARY': 'ANNIVERSARY',
  'X-CLASS': 'CLASS',
  'X-MAILER': 'MAILER',
};

/** Types that say what absence says (RFC 2426, 3.3.1 and 3.3.2), and PREF, which is a parameter of its own in 4.0. */
const DEFAULT_TYPES: Readonly<Record<string, string>> = { EMAIL: 'INTERNET', TEL: 'VOICE' };

const STRUCTURED = new Set(['N', 'ADR', 'ORG']);
const LISTS = new Set(['NICKNAME', 'CATEGORIES']);
const DATES = new Set(['BDAY', 'ANNIVERSARY', 'DEATHDATE', 'X-ABDATE']);
const WORDS = new Set(['KIND', 'CLASS']);

/** How a value is written, not what it says. */
const ENCODING_PARAMS = new Set(['ENCODING', 'CHARSET', 'VALUE', 'X-APPLE-OMIT-YEAR']);

export function canonicalCard(card: Card & { readonly strays: readonly string[] }): string {
  const groups = new Map<string, string[]>();
  const lines = card.strays.map((line) => JSON.stringify(['?', line]));
  for (const property of plainProperties(card)) {
    const line = canonicalProperty(property);
    if (line === undefined) continue;
    if (property.group === undefined) lines.push(line);
    else {
      const group = property.group.toUpperCase();
      const members = groups.get(group);
      if (members) members.push(line);
      else groups.set(group, [line]);
    }
  }
  // A group has no name that people see: it says which properties belong together.
  for (const members of groups.values())
    lines.push(members.length === 1 ? (members[0] as string) : `[${members.sort().join(',')}]`);
  return `[${lines.sort().join(',')}]`;
}

function canonicalProperty(property: Property): string | undefined {
  const name = SAME_NAME[property.name] ?? property.name;
  if (BOOKKEEPING.has(name)) return undefined;
  const binary = inlineBinary(property);
  const params = canonicalParams(name, property, binary !== undefined);
  if (binary !== undefined) return JSON.stringify([name, params, { base64: binary }]);
  const value = canonicalValue(name, property);
  if (value.length === 0 || (typeof value === 'string' && DEFAULTS[name] === value.toUpperCase())) return undefined;
  return JSON.stringify([name, params, value]);
}

/** The bytes of a photo, logo, sound or key inside the card, in 2.1, 3.0 and 4.0 spelling, as base64 without blanks. */
export function inlineBinary(property: Property): string | undefined {
  if (isBinary(property)) {
    // InfCloud writes a data URI and ENCODING=b at once; Radicale takes the former away.
    const value = property.value.replace(/^data:[^;,]*;base64,/i, '');
    return value.replace(/[\s=]+/g, '');
  }
  const data = /^data:[^,]*?\\?;base64\\?,/i.exec(property.value);
  return data ? property.value.slice(data[0].length).replace(/[\s=]+/g, '') : undefined;
}

function canonicalValue(name: string, property: Property): string | readonly string[] {
  const { value } = property;
  if (STRUCTURED.has(name)) {
    const parts = splitAt(value, ';').map(unescaped);
    while (parts.length > 0 && parts[parts.length - 1] === '') parts.pop();
    return parts;
  }
  if (LISTS.has(name)) {
    const items = splitAt(value, ',').map((item) => unescaped(item).trim());
    return items.filter((item) => item !== '').sort();
  }
  if (DATES.has(name)) return canonicalDate(value, property.params['X-APPLE-OMIT-YEAR']?.[0]);
  if (WORDS.has(name)) return value.trim().toUpperCase();
  if (name === 'TEL') return unescaped(value).replace(/^tel:/i, '');
  if (name === 'TZ') return unescaped(value).replace(/^([-+]\d\d):(\d\d)$/, '$1$2');
  if (name === 'GEO') return unescaped(value).replace(/^geo:/i, '').replace(',', ';');
  return unescaped(value);
}

type CanonicalParam = readonly [name: string, ...values: string[]];

const NO_PARAMS: readonly CanonicalParam[] = [];

function canonicalParams(name: string, property: Property, binary: boolean): readonly CanonicalParam[] {
  const all = Object.entries(property.params);
  if (all.length === 0) return NO_PARAMS;
  const written = new Map<string, CanonicalParam>();
  const add = (...param: CanonicalParam): void => void written.set(JSON.stringify(param), param);
  for (const [param, values] of all) {
    if (ENCODING_PARAMS.has(param)) continue;
    // What is inside tells its own type: JPEG and PNG begin with their names.
    if (binary && (param === 'TYPE' || param === 'MEDIATYPE')) continue;
    if (param === 'TYPE') {
      const types = new Set(values.flatMap((value) => value.toUpperCase().split(',')).map((type) => type.trim()));
      if (types.delete('PREF')) add('PREF', '1');
      types.delete(DEFAULT_TYPES[name] ?? '');
      types.delete('');
      if (types.size > 0) add('TYPE', ...[...types].sort());
    } else if (values.some((value) => value !== '')) add(param, ...values.map(unescaped).sort());
  }
  return [...written.keys()].sort().map((key) => written.get(key) as CanonicalParam);
}
