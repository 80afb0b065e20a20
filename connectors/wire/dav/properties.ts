/** Properties of collections: how they are set, and what came of it. */
import type { ContainerProperties, Wanted } from '../../contract.js';
import type { Collection } from './collections.js';
import type { Flavour } from './flavour.js';
import type { Name } from './xml.js';
import { escapeXml, tag } from './xml.js';

/** A property to set, as XML, and the word for it in a note. */
export interface Setting {
  readonly word: string;
  readonly xml: string;
}

export function settingsFor(flavour: Flavour, name: string, properties: ContainerProperties = {}): Setting[] {
  const { color, order, description, timezone } = properties;
  const set = (word: string, property: Name, value: string | number | undefined): Setting[] =>
    value === undefined ? [] : [{ word, xml: tag(property, String(value)) }];
  const about = [
    ...set('name', 'D:displayname', name),
    ...set('description', flavour.description, description),
    ...set('color', flavour.color, color),
  ];
  if (flavour.scheme !== 'caldav') return about;
  return [
    ...about,
    ...set('order', 'A:calendar-order', order),
    ...set('timezone', 'C:calendar-timezone', timezone?.includes('BEGIN:VTIMEZONE') ? timezone : undefined),
  ];
}

/** What a calendar may hold can only be said when it is made (RFC 4791, 5.2.3). */
export function componentsFor(flavour: Flavour, { components }: ContainerProperties = {}): string {
  if (flavour.scheme !== 'caldav') return '';
  const kept = components ?? ['VEVENT', 'VTODO', 'VJOURNAL'];
  const inner = kept.map((one) => `<C:comp name="${escapeXml(one)}"/>`).join('');
  return `<C:supported-calendar-component-set>${inner}</C:supported-calendar-component-set>`;
}

/** Everything that a collection is made with, as properties to set. */
export function allSettings(flavour: Flavour, { path, properties }: Wanted): Setting[] {
  const components = componentsFor(flavour, properties);
  const settings = settingsFor(flavour, path.join('/'), properties);
  return components === '' ? settings : [...settings, { word: 'components', xml: components }];
}

/** What the server did not take of the name and the properties. */
export function notKept(name: string, { properties: given = {} }: Wanted, made: Collection): string[] {
  const kept = made.properties ?? {};
  const notes = made.path[0] === name ? [] : [`the server calls it ${made.path[0]}`];
  const lost = (['color', 'order', 'description', 'timezone', 'components'] as const).filter((one) => {
    if (given[one] === undefined) return false;
    return plain(one, given[one]) !== plain(one, kept[one]);
  });
  return lost.length > 0 ? [...notes, `not kept by the server: ${lost.join(', ')}`] : notes;
}

/** Colours with and without opacity, and texts with other line ends, are the same. */
function plain(property: string, value: unknown): string {
  const text = JSON.stringify(value ?? null).toLowerCase();
  if (property === 'color') return text.replace(/^"(#[0-9a-f]{6})(ff)?"$/, '$1');
  return text.replace(/(\\r)?\\n/g, '\\n').trim();
}
