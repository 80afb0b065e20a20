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

const onRadicale = () => davAccount({ url: radicale.url, home: '/anna/', user: 'anna' }, 'contacts');
const onXandikos = () => davAccount({ url: xandikos.url, home: '/anna/contacts/', user: 'anna' }, 'contacts');

const RADICALE = {
  'keeps 3.0 a photo elsewhere': 'Radicale 3.1.8 (vobject) cuts a URI in PHOTO off at its comma',
  'keeps 3.0 names of other scripts': 'Radicale 3.1.8 (vobject) keeps the first of several nicknames',
};

itemSourceConformance({
  name: 'carddav on Radicale',
  world: async () => {
    const account = onRadicale();
    return { ...account, open: account.source };
  },
});

itemSourceConformance({
  name: 'carddav on Xandikos',
  world: async () => {
    const account = onXandikos();
    return { ...account, open: account.source };
  },
});

itemTargetConformance({
  name: 'carddav on Radicale',
  kind: 'contacts',
  world: async () => {
    const account = onRadicale();
    return { ...account, open: account.target };
  },
  waived: RADICALE,
});

itemTargetConformance({
  name: 'carddav on Xandikos',
  kind: 'contacts',
  world: async () => {
    const account = onXandikos();
    return { ...account, open: account.target };
  },
});
