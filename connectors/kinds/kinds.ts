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

/** `digest` is that of the kind's canonical form. It never throws: what cannot be parsed has a digest too. */
export interface KindRules<B> extends DigestRules<B> {
  size(body: B): number;
  /** What an edit in the source changes: metadata alone, or the content, which then is written anew. */
  readonly edits: 'meta' | 'content';
  /** Set for kinds whose edits are content. */
  readonly versioned?: VersionedRules<B>;
  /**
   * Items stand under the paths that their keys name (files.ts): what the target holds is looked for by path, its
   * content is read only for items of our own, and large ones stream.
   */
  readonly paths?: true;
  /**
   * The digest of the first `bytes` bytes of a body; undefined where it has no more than those. For kinds whose writes may
   * break off and leave a part of themselves in their place.
   */
  beginning?(body: B, bytes: number): Digest | undefined;
}

/** Whether items are told apart by what they say of themselves (a UID), not by where they stand. */
export function isNamed({ versioned, paths }: Pick<KindRules<unknown>, 'versioned' | 'paths'>): boolean {
  return versioned !== undefined && !paths;
}

export interface VersionedRules<B> {
  /** Why the item cannot be moved at all, with what to do; undefined when it can. */
  problem(body: B): string | undefined;
  /**
   * What tells that two items are the same though their content differs, e.g. `uid:4f1…` or `email:anna@old.example`,
   * normalised. `by` names what counts, in the words of the spec's `match`.
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

export const kinds: {
  readonly mail: KindRules<Mail>;
  readonly calendar: KindRules<Calendar>;
  readonly contacts: KindRules<Contact>;
  readonly files: KindRules<FileBody>;
} = {
  mail: { digest: digestMail, size: (body: Buffer) => body.length, edits: 'meta' },
  calendar: {
    digest: digestCalendar,
    digest1: calendarDigest1,
    size: (body: Calendar) => body.length,
    edits: 'content',
    versioned: {
      problem: calendarProblem,
      identities: calendarIdentities,
      modified: calendarModified,
      rank: calendarRank,
      named: withUid,
      renewed: renewedCalendar,
    },
  },
  contacts: {
    digest: digestContact,
    digest1: contactDigest1,
    size: (body: Contact) => body.length,
    edits: 'content',
    versioned: {
      problem: contactProblem,
      identities: contactIdentities,
      modified: contactModified,
      rank: () => 0,
      named: withCardUid,
      renewed: renewedContact,
    },
  },
  files: {
    digest: digestFile,
    size: (body: FileBody) => body.bytes.length,
    edits: 'content',
    paths: true,
    beginning: digestBeginning,
    versioned: {
      problem: () => undefined,
      // What makes two files the same is their path, and that the target knows.
      identities: () => [],
      modified: fileModified,
      rank: () => 0,
      named: (body) => body,
      renewed: (body) => body,
    },
  },
};
