/** Why a vCard cannot be moved, after all that may be repaired. */
import { byteText } from '../icalendar/lines.js';
import { parseCard } from './card.js';

const BEGIN = /^BEGIN:VCARD[ \t\r]*$/im;

export function isCard(body: Buffer): boolean {
  return BEGIN.test(byteText(body));
}

/** A sentence without any content of the card, with what to do; undefined when it can be moved. */
export function contactProblem(body: Buffer): string | undefined {
  if (!isCard(body)) return 'this is no vCard: there is no line BEGIN:VCARD; export it from its system again';
  const { version, properties } = parseCard(body);
  if (!/^(?:2\.1|3\.0|4\.0)$/.test(version))
    return 'its VERSION is none of 2.1, 3.0 and 4.0; export it from its system again';
  if (!properties.some((property) => /[^;,\s]/.test(property.value) && !UNSEEN.has(property.name)))
    return 'it holds nothing: no name, address or number; remove it from the source';
  return undefined;
}

/** What no person sees. */
const UNSEEN = new Set(['UID', 'REV', 'PRODID', 'VERSION', 'CLASS', 'KIND']);
