/** What may be mended in a broken vCard before a server refuses it. Each rule is in docs/equality.md. */
import { createHash } from 'node:crypto';
import type { Fitted } from '../contract.js';
import { byteText, splitAt } from '../icalendar/lines.js';
import { cleanText, escapedText } from '../icalendar/mending.js';
import type { Property } from './card.js';
import { componentsOf, decodedValue, formatCard, readCard, textOf } from './card.js';
import { isCard } from './problem.js';

/** One text each: a comma in them is a comma. Radicale (vobject) keeps them only up to the first that is not escaped. */
const TEXTS = new Set(['FN', 'NOTE', 'TITLE', 'ROLE', 'LABEL', 'EMAIL', 'TEL', 'SORT-STRING', 'X-ABLABEL']);

/**
 * The card as RFC 2426, RFC 6350 and RFC 6352 want it, by rules that change as little as they can; what is sound comes
 * back as the same buffer. Notes name what changes the meaning, never a value. Repairing twice is repairing once. What
 * cannot be mended stays as it is: see `contactProblem`.
 */
export function repaired(body: Buffer): Fitted<Buffer> {
  if (!isCard(body)) return { body };
  const namesCharset = /CHARSET=/i.test(byteText(body));
  const clean = namesCharset ? { text: byteText(body), notes: [] } : cleanText(body);
  const notes = [...clean.notes];
  const text = `${clean.text.trimEnd()}\n`;
  const card = readCard(Buffer.from(text, 'latin1'));
  const properties = card.strays.length > 0 ? withStrays(text, notes) : [...card.properties];
  const version = versionOf(text, card.version);
  const mended = withRequired(properties.map(withEscapedText), version, text, notes);
  const sound =
    card.strays.length === 0 &&
    // Xandikos 0.2.8 answers 201 to `begin:vcard`, and cannot find the card again.
    /^BEGIN:VCARD/m.test(text) &&
    /^VERSION:/m.test(text) &&
    /\nEND:VCARD\s*$/.test(text) &&
    mended.length === card.properties.length &&
    mended.every((property, at) => property === card.properties[at]);
  const written = sound
    ? Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')
    : formatCard({ version, properties: mended });
  return { body: written.equals(body) ? body : written, ...(notes.length > 0 ? { notes: [...new Set(notes)] } : {}) };
}

/** A card that names no version has the bare parameters of 2.1, or is read as 3.0. */
function versionOf(text: string, version: string): string {
  if (/^VERSION:/im.test(text)) return version;
  return /^[A-Z-]+(?:;(?:HOME|WORK|CELL|VOICE|FAX|PREF|INTERNET|QUOTED-PRINTABLE))+[;:]/im.test(text) ? '2.1' : version;
}

/** Lines that are none belong to the property before: their fold was lost. Lines outside of the card are left out. */
function withStrays(text: string, notes: string[]): Property[] {
  const begin = text.search(/^BEGIN:VCARD/im);
  const end = /\nEND:VCARD[ \t\r]*(?:\n|$)/i.exec(text);
  const inside = text.slice(Math.max(begin, 0), end ? end.index + end[0].length : text.length);
  if (inside.trim() !== text.trim()) notes.push('lines outside of the card were left out');
  const joined = inside.replace(/\n(?![ \t])(?=[^\n]+)(?!(?:[\w-]+\.)?[\w-]+[;:])/g, () => {
    notes.push('a line that had lost its fold was joined to the one before');
    return '\\n';
  });
  return [...readCard(Buffer.from(joined, 'latin1')).properties];
}

function withEscapedText(property: Property): Property {
  const { name, value } = property;
  if (property.params.ENCODING || !/[,;]/.test(value)) return property;
  const escaped =
    name === 'ORG'
      ? splitAt(value, ';')
          .map((part) => escapedText(part, ','))
          .join(';')
      : TEXTS.has(name) && property.params.VALUE === undefined
        ? escapedText(value)
        : value;
  return escaped === value ? property : { ...property, value: escaped };
}

/** FN (RFC 2426, 3.1.1), N (3.1.2, only for 3.0) and UID (RFC 6352, 5.1). */
function withRequired(properties: readonly Property[], version: string, text: string, notes: string[]): Property[] {
  const has = (name: string) => properties.some((property) => property.name === name && property.value.trim() !== '');
  const added: Property[] = [];
  const plain = (name: string, value: string): Property => ({ name, params: {}, value });
  if (!has('UID')) {
    added.push(plain('UID', createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 32)));
    notes.push('it had no UID and got one that follows from its content');
  }
  if (version !== '2.1' && !has('FN')) {
    const name = shownName(properties);
    if (name !== '') {
      added.push(plain('FN', escapedText(name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'))));
      notes.push('it had no FN and got one from its other names');
    }
  }
  if (version === '3.0' && !properties.some((property) => property.name === 'N')) added.push(plain('N', ';;;;'));
  if (added.length === 0) return [...properties];
  const names = new Set(added.map((property) => property.name));
  return [...added, ...properties.filter((property) => !(names.has(property.name) && property.value.trim() === ''))];
}

/** What address books show for a card without FN. */
function shownName(properties: readonly Property[]): string {
  const found = (name: string) =>
    properties.find((property) => property.name === name && /[^;\s]/.test(property.value));
  const parts = found('N');
  if (parts) {
    const [family = [], given = [], middle = [], prefix = [], suffix = []] = componentsOf(parts);
    const name = [prefix, given, middle, family, suffix].flat().join(' ').replace(/\s+/g, ' ').trim();
    if (name !== '') return name;
  }
  const organisation = found('ORG');
  if (organisation) return componentsOf(organisation).flat().filter(Boolean).join(', ');
  const other = found('NICKNAME') ?? found('EMAIL') ?? found('TEL');
  return other ? textOf({ ...other, value: decodedValue(other), params: {} }).trim() : '';
}
