/** The properties of a vCard 3.0 as RFC 6350 has them. */
import { unescaped } from '../icalendar/lines.js';
import type { Property } from './card.js';
import { canonicalDate, isDate } from './dates.js';
import { MEDIA, mediaTo40 } from './media.js';

type Params = Record<string, readonly string[]>;

const NAMES: Readonly<Record<string, string>> = {
  'X-ADDRESSBOOKSERVER-KIND': 'KIND',
  'X-ADDRESSBOOKSERVER-MEMBER': 'MEMBER',
  'X-ANNIVERSARY': 'ANNIVERSARY',
  // RFC 6350, appendix A.2: 4.0 has none of these.
  CLASS: 'X-CLASS',
  MAILER: 'X-MAILER',
};
const DATES = new Set(['BDAY', 'ANNIVERSARY']);
/** RFC 6350, appendix A.2: types of ADR that 4.0 does not know. */
const ADR_TYPES = new Set(['DOM', 'INTL', 'POSTAL', 'PARCEL']);

export function to40(properties: readonly Property[], note: (text: string) => void): Property[] {
  const labels = properties.filter((property) => property.name === 'LABEL');
  const free = new Map<string, Property[]>();
  // Taken from the end: the first is the last.
  for (const label of [...labels].reverse()) {
    const alike = free.get(typesOf(label));
    if (alike) alike.push(label);
    else free.set(typesOf(label), [label]);
  }
  const used = new Set<Property>();
  const converted = properties.flatMap((property): Property[] => {
    if (property.name === 'LABEL' || property.name === 'SORT-STRING') return [];
    const label = property.name === 'ADR' ? free.get(typesOf(property))?.pop() : undefined;
    if (label) used.add(label);
    return [withLabel(one(property, note), label)];
  });
  // A label without its address becomes an address with nothing else.
  for (const label of labels)
    if (!used.has(label)) converted.push(withLabel(one({ ...label, name: 'ADR', value: ';;;;;;' }, note), label));
  return withSortAs(
    converted,
    properties.find((property) => property.name === 'SORT-STRING'),
  );
}

function one(property: Property, note: (text: string) => void): Property {
  const name = NAMES[property.name] ?? property.name;
  const params = typed40(name, property.params, note);
  const renamed: Property = { ...property, name, params };
  if (MEDIA.has(name))
    return mediaTo40({
      ...renamed,
      params: { ...params, ...(property.params.TYPE && { TYPE: property.params.TYPE }) },
    });
  if (DATES.has(name)) return dated(renamed);
  if (name === 'GEO' && /^\s*[-+\d.]+\s*;\s*[-+\d.]+\s*$/.test(property.value))
    return { ...renamed, value: `geo:${property.value.replace(/\s+/g, '').replace(';', ',')}` };
  if (name === 'TZ' && /^[-+]\d\d:?\d\d$/.test(property.value))
    return { ...renamed, params: { ...params, VALUE: ['utc-offset'] }, value: property.value.replace(':', '') };
  if (name === 'REV') return { ...renamed, params: {}, value: basicTime(property.value) };
  if (name === 'AGENT')
    return {
      ...renamed,
      name: 'RELATED',
      params: { TYPE: ['agent'], ...(params.VALUE ? { VALUE: params.VALUE } : { VALUE: ['text'] }) },
    };
  return renamed;
}

function typed40(name: string, given: Property['params'], note: (text: string) => void): Params {
  const { TYPE = [], ...params } = given;
  const types = TYPE.flatMap((type) => type.split(',')).filter((type) => type.trim() !== '');
  let kept = types.filter((type) => type.toUpperCase() !== 'PREF');
  if (name === 'EMAIL') kept = kept.filter((type) => type.toUpperCase() !== 'INTERNET');
  if (name === 'ADR') {
    const known = kept.filter((type) => !ADR_TYPES.has(type.toUpperCase()));
    if (known.length < kept.length)
      note('ADR: vCard 4.0 does not know the types dom, intl, postal and parcel; they were left out');
    kept = known;
  }
  const preferred = types.some((type) => type.toUpperCase() === 'PREF');
  return {
    ...params,
    ...(kept.length > 0 ? { TYPE: kept } : {}),
    ...(preferred && !params.PREF ? { PREF: ['1'] } : {}),
  };
}

function dated(property: Property): Property {
  const { 'X-APPLE-OMIT-YEAR': omitted, VALUE: _, ...params } = property.params;
  if (!isDate(property.value)) return { ...property, params: { ...params, VALUE: ['text'] } };
  return { ...property, params, value: canonicalDate(property.value, omitted?.[0]) };
}

const basicTime = (value: string): string =>
  value
    .trim()
    .replace(/^(\d{4})-(\d\d)-(\d\d)/, '$1$2$3')
    .replace(/T(\d\d):(\d\d):(\d\d)/, 'T$1$2$3');

const typesOf = (property: Property): string =>
  (property.params.TYPE ?? [])
    .flatMap((type) => type.toUpperCase().split(','))
    .filter((type) => type !== 'PREF')
    .sort()
    .join();

/** RFC 6350, 6.3.1: the label is a parameter of its address; line ends and quotes after RFC 6868. */
function withLabel(property: Property, label: Property | undefined): Property {
  return label
    ? { ...property, params: { ...property.params, LABEL: [caretEscaped(unescaped(label.value))] } }
    : property;
}

const caretEscaped = (text: string): string =>
  text.replace(/[\^\n"]/g, (character) => (character === '^' ? '^^' : character === '\n' ? '^n' : "^'"));

/** RFC 6350, 5.9: what a card is sorted by is a parameter of its name. */
function withSortAs(properties: readonly Property[], sort: Property | undefined): Property[] {
  if (!sort || sort.value === '') return [...properties];
  const at = Math.max(
    properties.findIndex((property) => property.name === 'N'),
    properties.some((property) => property.name === 'N')
      ? 0
      : properties.findIndex((property) => property.name === 'FN'),
  );
  return properties.map((property, index) =>
    index === at
      ? { ...property, params: { ...property.params, 'SORT-AS': [caretEscaped(unescaped(sort.value))] } }
      : property,
  );
}
