import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { davAccount } from '../../tests/servers/dav-account.js';
import { startRadicale } from '../../tests/servers/radicale.js';

const radicale = await startRadicale();
afterAll(() => radicale.stop());

const onRadicale = () => davAccount({ url: radicale.url, home: '/anna/', user: 'anna' }, 'calendar');

const RADICALE = {
  'keeps a series in a zone with exceptions and additions':
    'Radicale 3.1.8 answers 400 to RDATE;VALUE=PERIOD (vobject)',
  'keeps an override without its series': 'Radicale 3.1.8 answers 400 to it: "Main component missing"',
};

itemSourceConformance({
  name: 'caldav on Radicale',
  world: async () => {
    const account = onRadicale();
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
