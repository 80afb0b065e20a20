/**
 * The standard form of kind `contacts` between source and target, and the one definition of equality.
 * The reasons are in docs/equality.md.
 */
import type { Digest } from '../contract.js';
import { byteText } from '../formats/icalendar/lines.js';
import { canonicalCard } from '../formats/vcard/canonical.js';
import { readCard } from '../formats/vcard/card.js';
import { timestamp } from '../formats/vcard/dates.js';
import { identitiesOf } from '../formats/vcard/identities.js';
import { plainCard } from '../formats/vcard/plain.js';
import { isCard } from '../formats/vcard/problem.js';
import { withCardUid } from '../formats/vcard/uid.js';
import { digestOf } from './digest-version.js';

export { contactProblem } from '../formats/vcard/problem.js';

/** One vCard (2.1, 3.0 or 4.0) as the source gave it. */
export type Contact = Buffer;

/** Of the canonical form, version 2. What cannot be parsed has that of its bytes, line ends aside. */
export function digestContact(body: Contact): Digest {
  const canonical = isCard(body) ? canonicalCard(readCard(body)) : JSON.stringify(byteText(body).trimEnd());
  return digestOf(2, canonical);
}

/**
 * What tells that two contacts are the same, as `word:value` in the order of `by`: `uid`; `email` (lower case, domain in
 * ASCII), `phone` (digits with their +), `name` (lower case, NFC), or any property by its name.
 */
export function contactIdentities(body: Contact, by: readonly string[]): string[] {
  const card = plainCard(body);
  return by.flatMap((word) => identitiesOf(card, word).map((value) => `${word}:${value}`));
}

/** REV in any of its spellings, in milliseconds since the epoch. */
export function contactModified(body: Contact): number | undefined {
  const rev = plainCard(body).properties.find((property) => property.name === 'REV');
  return rev && timestamp(rev.value);
}

/** The same content under another UID, which follows from the content. */
export function renewedContact(body: Contact): Contact {
  return withCardUid(body, digestContact(body).slice(0, 32));
}
