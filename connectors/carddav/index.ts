/** The CardDAV connector: the wire is connectors/wire/dav. */

import type { Connector, Fitted } from '../contract.js';
import { withEscapedCommas } from '../formats/icalendar/commas.js';
import { parseCard } from '../formats/vcard/card.js';
import { convertCard } from '../formats/vcard/convert.js';
import { repaired } from '../formats/vcard/repair.js';
import type { Contact } from '../kinds/contacts.js';
import { thenFit } from '../kinds/fitted.js';
import { kinds } from '../kinds/kinds.js';
import { DavAccount } from '../wire/dav/account.js';
import type { Flavour, KnownServer } from '../wire/dav/flavour.js';
import type { DavOptions } from '../wire/dav/options.js';
import { createDavSource } from '../wire/dav/source.js';
import { createDavTarget } from '../wire/dav/target.js';

const flavour: Flavour = {
  scheme: 'carddav',
  rules: kinds.contacts,
  homeSet: 'CR:addressbook-home-set',
  type: 'CR:addressbook',
  data: 'CR:address-data',
  multiget: 'CR:addressbook-multiget',
  description: 'CR:addressbook-description',
  color: 'I:addressbook-color',
  suffix: '.vcf',
  contentType: 'text/vcard; charset=utf-8',
  fit: fitCard,
};

/** CardDAV asks for version 3.0 at least (RFC 6352, 6.2.2); 2.1 was never part of it. */
function fitCard(body: Contact, { types, cutsAtCommas }: KnownServer): Fitted<Contact> {
  const mended = repaired(body);
  const taken = types.length > 0 ? types : ['3.0', '4.0'];
  const version = taken.includes('4.0') && !taken.includes('3.0') ? '4.0' : '3.0';
  const held = taken.includes(parseCard(mended.body).version)
    ? mended
    : thenFit(mended, (card) => convertCard(card, version));
  return cutsAtCommas ? thenFit(held, withEscapedCommas) : held;
}

export const connector = {
  source: (options, access) => createDavSource(new DavAccount(options, access, flavour)),
  target: (options, access) => createDavTarget(new DavAccount(options, access, flavour)),
} satisfies Connector<Contact, DavOptions>;
