/** What differs between CalDAV (RFC 4791) and CardDAV (RFC 6352); everything else is one wire. */
import type { Fitted } from '../../contract.js';
import type { KindRules } from '../../kinds/kinds.js';
import type { Name } from './xml.js';

export interface Flavour {
  readonly scheme: 'caldav' | 'carddav';
  readonly rules: KindRules<Buffer>;
  /** The property of a principal that names the home of its collections. */
  readonly homeSet: Name;
  /** The resource type of a collection. */
  readonly type: Name;
  readonly data: Name;
  readonly multiget: Name;
  readonly description: Name;
  readonly color: Name;
  readonly suffix: '.ics' | '.vcf';
  readonly contentType: string;
  /** The form that the server can hold. */
  fit(body: Buffer, server: KnownServer): Fitted<Buffer>;
}

/** What is known of a server once a collection of it was seen. */
export interface KnownServer {
  /** The versions of data that it says it takes; empty where it does not say. */
  readonly types: readonly string[];
  /** It cuts values at commas that are not escaped (connectors/formats/icalendar/commas.ts). */
  readonly cutsAtCommas: boolean;
}
