import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { davAccount } from '../../tests/servers/dav-account.js';
import { startXandikos } from '../../tests/servers/xandikos.js';

const xandikos = await startXandikos();
afterAll(() => xandikos.stop());

const onXandikos = () => davAccount({ url: xandikos.url, home: '/anna/calendars/', user: 'anna' }, 'calendar');

const XANDIKOS = {
  'keeps everything escaped': 'Xandikos 0.2.8 unescapes DESCRIPTION and CATEGORIES once too often',
  'keeps the same property several times': 'Xandikos 0.2.8 makes one value of the list in RESOURCES',
};

itemSourceConformance({
  name: 'caldav on Xandikos',
  world: async () => {
    const account = onXandikos();
    return { ...account, open: account.source };
  },
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
