/** What the columns of a table cannot hold of a contact, in words. */
import { canonicalCard } from '../formats/vcard/canonical.js';
import type { Card, Property } from '../formats/vcard/card.js';
import { plainCard } from '../formats/vcard/plain.js';
import type { Column } from './column-types.js';

/** Said of a card by programs, not by people. */
const BOOKKEEPING = new Set(['PRODID', 'REV', 'VERSION']);

/** One note for each property that is not kept as it was, by its name and never by its value. */
export function losses(body: Buffer, fitted: Buffer, columns: readonly Column[]): string[] {
  const before = byName(plainCard(body));
  const after = byName(plainCard(fitted));
  return [...before].flatMap(([name, said]) => {
    const kept = after.get(name) ?? [];
    if (kept.length === 0) {
      const mapped = columns.some(({ says }) => says.is !== 'card' && says.name === name);
      return [mapped ? `${name} does not fit into its column` : `${name} has no column`];
    }
    if (kept.length < said.length) return [`${name}: ${kept.length} of ${said.length} kept`];
    if (meaning(said) === meaning(kept)) return [];
    return [
      meaning(said.map(untyped)) === meaning(kept.map(untyped))
        ? `${name}: types are not kept`
        : `${name} was kept in part`,
    ];
  });
}

function byName({ properties }: Card): Map<string, Property[]> {
  const found = new Map<string, Property[]>();
  for (const { group: _, ...property } of properties) {
    if (BOOKKEEPING.has(property.name) || meaning([property]) === NOTHING) continue;
    found.set(property.name, [...(found.get(property.name) ?? []), property]);
  }
  return found;
}

const NOTHING = canonicalCard({ version: '4.0', properties: [], strays: [] });

function meaning(properties: readonly Property[]): string {
  return canonicalCard({ version: '4.0', properties, strays: [] });
}

function untyped(property: Property): Property {
  const { TYPE: _, PREF: __, ...params } = property.params;
  return { ...property, params };
}
