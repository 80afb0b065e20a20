/** The CalDAV connector: the wire is connectors/wire/dav. */

import type { Connector } from '../contract.js';
import { withEscapedCommas } from '../formats/icalendar/commas.js';
import { repaired } from '../formats/icalendar/repair.js';
import type { Calendar } from '../kinds/calendar.js';
import { thenFit } from '../kinds/fitted.js';
import { kinds } from '../kinds/kinds.js';
import { DavAccount } from '../wire/dav/account.js';
import type { Flavour } from '../wire/dav/flavour.js';
import type { DavOptions } from '../wire/dav/options.js';
import { createDavSource } from '../wire/dav/source.js';
import { createDavTarget } from '../wire/dav/target.js';

const flavour: Flavour = {
  scheme: 'caldav',
  rules: kinds.calendar,
  homeSet: 'C:calendar-home-set',
  type: 'C:calendar',
  data: 'C:calendar-data',
  multiget: 'C:calendar-multiget',
  description: 'C:calendar-description',
  color: 'A:calendar-color',
  suffix: '.ics',
  contentType: 'text/calendar; charset=utf-8',
  fit(body, { cutsAtCommas }) {
    const mended = repaired(body);
    return cutsAtCommas ? thenFit(mended, withEscapedCommas) : mended;
  },
};

export const connector = {
  source: (options, access) => createDavSource(new DavAccount(options, access, flavour)),
  target: (options, access) => createDavTarget(new DavAccount(options, access, flavour)),
} satisfies Connector<Calendar, DavOptions>;
