/** What may be mended in a broken vCard before a server refuses it. Each rule is in docs/equality.md. */
import { createHash } from 'node:crypto';
import type { Fitted } from '../../contract.js';
import { unicode } from '../icalendar/charset.js';
import { splitAt } from '../icalendar/lines.js';
import { cleanText, escapedText, TAKEN_OUT, withoutFormless } from '../icalendar/mending.js';
import type { Property, ReadCard } from './card.js';
import { componentsOf, decodedValue, formatCard, isBinary, readCard, textOf } from './card.js';
import { isEncoded, isModern, plain, plainProperties, quotedPrintable } from './plain.js';
import { isCard } from './problem.js';

/** One text each: a comma in them is a comma. Radicale (vobject) keeps them only up to the first that is not escaped. */
const TEXTS = new Set(['FN', 'NOTE', 'TITLE', 'ROLE', 'LABEL', 'EMAIL', 'TEL', 'SORT-STRING', 'X-ABLABEL']);
/** Parts divided by semicolons: a lost line goes on where it was broken off. */
const COMPOUND = new Set(['N', 'ADR', 'ORG']);
/** No texts: what belongs to them follows without a line end. */
const WORDS =
  /^(?:UID|URL|EMAIL|TEL|IMPP|GEO|TZ|REV|BDAY|ANNIVERSARY|SOURCE|PHOTO|LOGO|SOUND|KEY|MEMBER|RELATED|FBURL|CAL(?:ADR)?URI|X-ADDRESSBOOKSERVER-.*)$/;

/**
 * The card as RFC 2426, RFC 6350 and RFC 6352 want it, by rules that change as little as they can; what is sound comes
 * back as the same buffer. Notes name what changes the meaning, never a value. Repairing twice is repairing once. What
 * cannot be mended stays as it is: see `contactProblem`.
 */
export function repaired(body: Buffer): Fitted<Buffer> {
  if (!isCard(body)) return { body };
  const clean = cleanText(body, namesCharset);
  const notes = new Set(clean.notes);
  const text = `${clean.text.replace(/(?<!\n)\n+$/, '')}\n`;
  const card = readCard(Buffer.from(text, 'latin1'));
  const mended = withRequired(mendedProperties(card, notes), card.version, text, notes);
  const sound =
    card.strays.length === 0 &&
    !(card.bare && isModern(card.version)) &&
    // Xandikos 0.2.8 answers 201 to `begin:vcard`, and cannot find the card again.
    /^BEGIN:VCARD/m.test(text) &&
    /^VERSION:/m.test(text) &&
    /\nEND:VCARD[ \t]*\n$/.test(text) &&
    mended.length === card.properties.length &&
    mended.every((property, at) => property === card.properties[at]);
  const written = sound
    ? Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')
    : formatCard({ version: card.version, properties: mended });
  return { body: written.equals(body) ? body : written, ...(notes.size > 0 ? { notes: [...notes] } : {}) };
}

/** A value in a character set of its own is read as that, and cleaned behind it. */
const namesCharset = (line: string): boolean => /^[^:]{0,1000};CHARSET=/i.test(line);

/** Each in the words of its version; lines that are none belong to the property before. */
function mendedProperties({ version, lines, strays }: ReadCard, notes: Set<string>): Property[] {
  const out: Property[] = [];
  const lost: string[][] = [];
  for (const line of lines) {
    if ('property' in line) {
      out.push(line.property);
      lost.push([]);
    } else if (line.inside && out.length > 0) lost.at(-1)?.push(unicode(line.stray, out.at(-1)?.params.CHARSET?.[0]));
    else notes.add(OUTSIDE);
  }
  return out.map((property, at) => {
    const whole = strays.length === 0 ? property : withLost(property, lost[at] as string[], version, notes);
    const clean = withoutControls(whole, version, notes);
    return isModern(version) ? withEscapedText(isEncoded(clean) ? plain(clean, version) : clean) : clean;
  });
}

const OUTSIDE = 'lines outside of the card were left out';

/** The fold of these lines was lost, or a text was written in several lines. */
function withLost(given: Property, lost: readonly string[], version: string, notes: Set<string>): Property {
  if (lost.length === 0) return given;
  const property = withoutControls(given, version, notes);
  notes.add(`a line that had lost its fold was joined to ${property.name}`);
  const { name } = property;
  if (isBinary(property) || WORDS.test(name))
    return { ...property, value: property.value + lost.map((line) => line.trim()).join('') };
  const modern = isModern(version);
  const value = modern && isEncoded(property) ? plain(property, version).value : decodedValue(property);
  if (COMPOUND.has(name)) {
    // Where a blank stands at the end, the fold took none with it.
    const pieces = [value, ...lost];
    const joined = pieces
      .map((piece, at) => (at === lost.length || /[\s;]/.test(piece.at(-1) ?? ' ') ? piece : `${piece} `))
      .join('');
    return modern ? decoded(property, joined) : quotedPrintable(property, joined);
  }
  if (!modern) return quotedPrintable(property, [value, ...lost].join('\n'));
  return decoded(property, [value, ...lost.map((line) => escapedText(line))].join('\\n'));
}

/** The property with a value that needs no encoding any more. */
function decoded({ params: { ENCODING: _, CHARSET: __, ...params }, ...property }: Property, value: string): Property {
  return { ...property, params, value };
}

/** Quoted-printable and other character sets hide what no text may hold. */
function withoutControls(property: Property, version: string, notes: Set<string>): Property {
  const { params } = property;
  const odd = Object.values(params).some((values) => values.some((value) => withoutFormless(value) !== value));
  const mended = odd ? { ...property, params: cleanParams(params) } : property;
  if (odd) notes.add(TAKEN_OUT);
  if (isBinary(property) || !isEncoded(property)) return mended;
  const text = decodedValue(property);
  const clean = withoutFormless(text);
  if (clean === text) return mended;
  notes.add(TAKEN_OUT);
  return isModern(version) ? decoded(mended, clean.replaceAll('\n', '\\n')) : quotedPrintable(mended, clean);
}

function cleanParams(params: Property['params']): Property['params'] {
  return Object.fromEntries(Object.entries(params).map(([name, values]) => [name, values.map(withoutFormless)]));
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
function withRequired(
  properties: readonly Property[],
  version: string,
  text: string,
  notes: Set<string>,
): readonly Property[] {
  const has = (name: string) => properties.some((property) => property.name === name && property.value.trim() !== '');
  const added: Property[] = [];
  const bare = (name: string, value: string): Property => ({ name, params: {}, value });
  if (!has('UID')) {
    added.push(bare('UID', createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 32)));
    notes.add('it had no UID and got one that follows from its content');
  }
  if (version !== '2.1' && !has('FN')) {
    const name = shownName(plainProperties({ version, properties }));
    if (name !== '') {
      added.push(bare('FN', escapedText(name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'))));
      notes.add('it had no FN and got one from its other names');
    }
  }
  if (version === '3.0' && !properties.some((property) => property.name === 'N')) added.push(bare('N', ';;;;'));
  if (added.length === 0) return properties;
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
  return other ? textOf({ ...other, params: {} }).trim() : '';
}
