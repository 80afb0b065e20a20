import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { davAccount } from '../../tests/servers/dav-account.js';
import { startRadicale } from '../../tests/servers/radicale.js';
import { startXandikos } from '../../tests/servers/xandikos.js';

const radicale = await startRadicale();
const xandikos = await startXandikos();
afterAll(async () => {
  await radicale.stop();
  await xandikos.stop();
});

const onRadicale = () => davAccount({ url: radicale.url, home: '/anna/', user: 'anna' }, 'calendar');
const onXandikos = () => davAccount({ url: xandikos.url, home: '/anna/calendars/', user: 'anna' }, 'calendar');

const RADICALE = {
  'keeps a series in a zone with exceptions and additions':
    'Radicale 3.1.8 answers 400 to RDATE;VALUE=PERIOD (vobject)',
  'keeps an override without its series': 'Radicale 3.1.8 answers 400 to it: "Main component missing"',
};
const XANDIKOS = {
  'keeps everything escaped': 'Xandikos 0.2.8 unescapes DESCRIPTION and CATEGORIES once too often',
  'keeps the same property several times': 'Xandikos 0.2.8 makes one value of the list in RESOURCES',
};

itemSourceConformance({
  name: 'caldav on Radicale',
  world: async () => {
    const account = onRadicale();
    return { ...account, open: account.source };
  },
});

itemSourceConformance({
  name: 'caldav on Xandikos',
  world: async () => {
    const account = onXandikos();
    return { ...account, open: account.source };
  },
});

itemTargetConformance({
  name: 'caldav on Radicale',
  kind: 'calendar',
  world: async () => {
    const account = onRadicale();
    return { ...account, open: account.target };
  },
  waived: RADICALE,
});

itemTargetConformance({
  name: 'caldav on Xandikos',
  kind: 'calendar',
  world: async () => {
    const account = onXandikos();
    return { ...account, open: account.target };
  },
  waived: XANDIKOS,
});
