/** The CalDAV connector: the wire is connectors/dav. */
import type { Calendar } from '../calendar.js';
import type { Connector } from '../contract.js';
import { DavAccount } from '../dav/account.js';
import type { Flavour } from '../dav/flavour.js';
import type { DavOptions } from '../dav/options.js';
import { createDavSource } from '../dav/source.js';
import { createDavTarget } from '../dav/target.js';
import { inTurn } from '../fitted.js';
import { withEscapedCommas } from '../icalendar/commas.js';
import { repaired } from '../icalendar/repair.js';
import { kinds } from '../kinds.js';

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
    return cutsAtCommas ? inTurn(mended, withEscapedCommas) : mended;
  },
};

export const connector = {
  source: (options, access) => createDavSource(new DavAccount(options, access, flavour)),
  target: (options, access) => createDavTarget(new DavAccount(options, access, flavour)),
} satisfies Connector<Calendar, DavOptions>;
