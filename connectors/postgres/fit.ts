/** The form of a contact that the table can hold. */
import type { Fitted } from '../contract.js';
import { Fault } from '../errors.js';
import { parseCard } from '../formats/vcard/card.js';
import { convertCard } from '../formats/vcard/convert.js';
import { repaired } from '../formats/vcard/repair.js';
import type { Column } from './column-types.js';
import { losses } from './losses.js';
import { fromRow, toRow } from './mapping.js';

/**
 * With a column for the whole card that is the card itself, but for what no table of text can hold: then it is repaired
 * (docs/equality.md). Else it is a vCard 4.0 of what the columns hold, and each loss is a note.
 */
export function fitted(body: Buffer, columns: readonly Column[]): Fitted<Buffer> {
  const says = (name: string) => columns.some((column) => column.says.is === 'property' && column.says.name === name);
  const text = storable(body, says('UID'));
  if (columns.some((column) => column.says.is === 'card')) return text;
  const held = settled(convertCard(text.body, '4.0').body, columns);
  const notes = [...(text.notes ?? []), ...losses(text.body, held, columns)];
  return { body: held, ...(notes.length > 0 && { notes }) };
}

/**
 * What stays as it is when it is written and read back. Once is nearly always enough; where a column for any address takes
 * the part of one whose type has columns of its own, the card that comes back is divided otherwise.
 */
function settled(body: Buffer, columns: readonly Column[]): Buffer {
  let held = fromRow(toRow(body, columns), columns);
  for (let left = MOST; left > 0; left--) {
    const again = fromRow(toRow(held, columns), columns);
    if (again.equals(held)) break;
    held = again;
  }
  return held;
}

/** Each time something moves to where it stays. */
const MOST = 4;

function storable(body: Buffer, named: boolean): Fitted<Buffer> {
  const sound =
    isText(body) &&
    (!named || parseCard(body).properties.some(({ name, value }) => name === 'UID' && value.trim() !== ''));
  if (sound) return { body };
  const mended = repaired(body);
  // A card of version 2.1 may be in any character set; the database holds Unicode.
  const { body: text, notes = [] } = isText(mended.body) ? { body: mended.body } : convertCard(mended.body, '3.0');
  if (!isText(text)) {
    throw new Fault('refused', 'the contact is no text that PostgreSQL can store: it holds NUL, or is not Unicode', {
      next: 'export it from its system again',
    });
  }
  const said = [...(mended.notes ?? []), ...notes];
  return { body: text, ...(said.length > 0 && { notes: said }) };
}

function isText(body: Buffer): boolean {
  return !body.includes(0) && Buffer.from(body.toString()).equals(body);
}
