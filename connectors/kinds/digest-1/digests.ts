/**
 * Digests of version 1, as ledgers of Drover up to 0.4 hold them: of a text in which lines, parameters and values are
 * joined. Nothing is written with them any more; they only tell whether an item is what an old digest was made of. What
 * is in this folder is never changed (digests.test.ts holds its results); the reasons for its rules are in
 * docs/equality.md, and those of version 2 are the same but for the joining, and for what is mended before.
 */
import { createHash } from 'node:crypto';
import type { Digest } from '../../contract.js';
import { canonicalCalendar } from './canonical-calendar.js';
import { canonicalCard } from './canonical-card.js';
import { readCard } from './card.js';
import { byteText } from './lines.js';
import { parsedCalendar } from './tree.js';

export function calendarDigest1(body: Buffer): Digest {
  const parsed = parsedCalendar(body);
  const canonical = parsed ? canonicalCalendar(parsed) : `unparsed\n${byteText(body).trimEnd()}`;
  return createHash('sha256').update(canonical, 'latin1').digest('hex');
}

const BEGIN = /^BEGIN:VCARD[ \t\r]*$/im;

export function contactDigest1(body: Buffer): Digest {
  const text = byteText(body);
  const canonical = BEGIN.test(text) ? canonicalCard(readCard(body)) : `unparsed\n${text.trimEnd()}`;
  return createHash('sha256').update(canonical).digest('hex');
}
