/** Between vCard versions, for targets that hold only one. */
import type { Fitted } from '../../contract.js';
import { formatCard, readCard } from './card.js';
import { plainProperties } from './plain.js';
import { to30 } from './to-30.js';
import { to40 } from './to-40.js';

/**
 * The card in another version: 3.0 after RFC 2426, 4.0 after RFC 6350, with the customs of Apple where 3.0 has no word
 * (kinds, birthdays without a year). What neither version forbids stays as it is. Each loss is a note that names the
 * property, never its value. A card of that version already comes back as the same buffer; so converting twice is
 * converting once.
 */
export function convertCard(body: Buffer, to: '3.0' | '4.0'): Fitted<Buffer> {
  const card = readCard(body);
  if (card.version === to) return { body };
  const notes: string[] = [];
  if (card.strays.length > 0) notes.push('lines that are no properties were left out');
  const note = (text: string): void => void (notes.includes(text) || notes.push(text));
  let properties = plainProperties(card);
  if (to === '4.0') properties = to40(properties, note);
  else if (card.version === '4.0') properties = to30(properties, note);
  const converted = formatCard({ version: to, properties });
  return { body: converted, ...(notes.length > 0 ? { notes } : {}) };
}
