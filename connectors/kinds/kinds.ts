/** What the engine must know of a kind's standard form, and no more. */

import type { Digest } from '../contract.js';
import { withUid } from '../formats/icalendar/uid.js';
import { withCardUid } from '../formats/vcard/uid.js';
import type { Calendar } from './calendar.js';
import {
  calendarIdentities,
  calendarModified,
  calendarProblem,
  calendarRank,
  digestCalendar,
  renewedCalendar,
} from './calendar.js';
import type { Contact } from './contacts.js';
import { contactIdentities, contactModified, contactProblem, digestContact, renewedContact } from './contacts.js';
import { calendarDigest1, contactDigest1 } from './digest-1/digests.js';
import type { DigestRules } from './digest-version.js';
import type { FileBody } from './files.js';
import { digestBeginning, digestFile, fileModified } from './files.js';
import type { Mail } from './mail.js';
import { digestMail } from './mail.js';
import type { Traits } from './traits.js';
import { traits } from './traits.js';

/** `digest` is that of the kind's canonical form. It never throws: what cannot be parsed has a digest too. */
export interface KindRules<B> extends Traits, DigestRules<B> {
  size(body: B): number;
  /**
   * The digest of the first `bytes` bytes of a body; undefined where it has no more than those. For kinds whose writes may
   * break off and leave a part of themselves in their place.
   */
  beginning?(body: B, bytes: number): Digest | undefined;
  /** Why the item cannot be moved at all, with what to do; undefined when it can. */
  problem(body: B): string | undefined;
  /**
   * What tells that two items are the same though their content differs, e.g. `uid:4f1…` or `email:anna@old.example`,
   * normalised. `by` names what counts, in the words of the spec's `match`. None for kinds that adopt by no identity.
   */
  identities(body: B, by: readonly string[]): readonly string[];
  /** When a person last changed it, in milliseconds since the epoch; undefined where it does not say. */
  modified(body: B): number | undefined;
  /** 0, or more for what must wait for others: an attendee's copy waits for the organiser's. */
  rank(body: B, account: string): number;
  /** The same content under another UID: that of a copy that it replaces. */
  named(body: B, uid: string): B;
  /** The same content as an item of its own: with another identity, which follows from the content. */
  renewed(body: B): B;
}

/** Of kinds whose items say nothing of themselves beside their content. */
const UNNAMED = {
  problem: () => undefined,
  identities: () => [],
  modified: () => undefined,
  rank: () => 0,
  named: <B>(body: B) => body,
  renewed: <B>(body: B) => body,
};

export const kinds: {
  readonly mail: KindRules<Mail>;
  readonly calendar: KindRules<Calendar>;
  readonly contacts: KindRules<Contact>;
  readonly files: KindRules<FileBody>;
} = {
  mail: { ...traits.mail, ...UNNAMED, digest: digestMail, size: (body: Buffer) => body.length },
  calendar: {
    ...traits.calendar,
    digest: digestCalendar,
    digest1: calendarDigest1,
    size: (body: Calendar) => body.length,
    problem: calendarProblem,
    identities: calendarIdentities,
    modified: calendarModified,
    rank: calendarRank,
    named: withUid,
    renewed: renewedCalendar,
  },
  contacts: {
    ...traits.contacts,
    digest: digestContact,
    digest1: contactDigest1,
    size: (body: Contact) => body.length,
    problem: contactProblem,
    identities: contactIdentities,
    modified: contactModified,
    rank: () => 0,
    named: withCardUid,
    renewed: renewedContact,
  },
  files: {
    ...traits.files,
    ...UNNAMED,
    digest: digestFile,
    size: (body: FileBody) => body.bytes.length,
    beginning: digestBeginning,
    modified: fileModified,
  },
};
