/** What makes two contacts the same person for a spec's `match`. */
import { domainToASCII } from 'node:url';
import type { Card, Property } from './card.js';
import { componentsOf, textOf } from './card.js';

/** Normalised values of one word of `match`, without repeats, in the order of the card. */
export function identitiesOf(card: Card, word: string): string[] {
  const values = (name: string): string[] =>
    card.properties.filter((property) => property.name === name).map((property) => textOf(property));
  switch (word.toLowerCase()) {
    case 'uid':
      return unique(values('UID').map((value) => value.trim()));
    case 'email':
      return unique(values('EMAIL').map(normalisedEmail));
    case 'phone':
      return unique(values('TEL').map(normalisedPhone));
    case 'name':
      return unique([normalisedName(card.properties)]);
    default:
      return unique(values(word.toUpperCase()).map((value) => value.trim()));
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values.filter((value) => value !== ''))];

/** Lower case, without `mailto:`, with the domain in ASCII (IDNA). What stands behind a plus is kept: it may be another person. */
export function normalisedEmail(value: string): string {
  const address = value
    .trim()
    .replace(/^mailto:/i, '')
    .normalize('NFC')
    .toLowerCase();
  const at = address.lastIndexOf('@');
  if (at === -1) return address;
  const domain = address.slice(at + 1);
  return `${address.slice(0, at)}@${domainToASCII(domain) || domain}`;
}

/** Digits with a leading +, which 00 stands for too; without `tel:`, an extension, and the (0) of `+49 (0) 30`. */
export function normalisedPhone(value: string): string {
  const text = value
    .trim()
    .replace(/^tel:/i, '')
    .replace(/;.*$/s, '')
    .replace(/(\+[\d\s]*)\(0\)/, '$1');
  const digits = text.replace(/\D/g, '');
  if (digits === '') return '';
  if (text.startsWith('+') || text.startsWith('(+')) return `+${digits}`;
  return digits.startsWith('00') && digits.length > 2 ? `+${digits.slice(2)}` : digits;
}

/** FN, else the given and the family name of N; lower case, NFC, blanks joined. */
function normalisedName(properties: readonly Property[]): string {
  const shown = properties.find((property) => property.name === 'FN' && property.value.trim() !== '');
  const parts = properties.find((property) => property.name === 'N');
  const [family = [], given = []] = parts ? componentsOf(parts) : [];
  const name = shown ? textOf(shown) : [...given, ...family].join(' ');
  return name.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}
