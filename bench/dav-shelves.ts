/** What the DAV benchmark moves: plain events and contacts, each with its own UID, in equal collections. */
import { card } from '../tests/conformance/odd-cards.js';
import { event } from '../tests/conformance/odd-events.js';
import type { Tag } from '../tests/servers/radicale-files.js';

/** A calendar or an address book with its items. */
export interface Shelf {
  readonly name: string;
  readonly tag: Tag;
  readonly items: readonly (readonly [file: string, body: Buffer])[];
}

/** Every second collection is a calendar; what does not divide is left out. */
export function makeShelves(items: number, collections: number): Shelf[] {
  const each = Math.floor(items / collections);
  return Array.from({ length: collections }, (_, at): Shelf => {
    const calendar = at % 2 === 0;
    return {
      name: `${calendar ? 'calendar' : 'book'}${at}`,
      tag: calendar ? 'VCALENDAR' : 'VADDRESSBOOK',
      items: Array.from({ length: each }, (_, n) => {
        const number = at * each + n;
        return calendar ? ([`${number}.ics`, event(number)] as const) : ([`${number}.vcf`, card(number)] as const);
      }),
    };
  });
}

export function count(shelves: readonly Shelf[], tag?: Tag): number {
  return shelves.reduce((sum, shelf) => sum + (tag === undefined || shelf.tag === tag ? shelf.items.length : 0), 0);
}
