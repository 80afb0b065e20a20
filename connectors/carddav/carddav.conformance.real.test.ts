import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { davAccount } from '../../tests/servers/dav-account.js';
import { startRadicale } from '../../tests/servers/radicale.js';

const radicale = await startRadicale();
afterAll(() => radicale.stop());

const onRadicale = () => davAccount({ url: radicale.url, home: '/anna/', user: 'anna' }, 'contacts');

/** Converted to another version these say the same in other properties: the trait asks for a note where digests differ. */
const CONVERTED = {
  'keeps 4.0 relations and accounts': 'nothing is lost, but 3.0 says it in other properties',
};

itemSourceConformance({
  name: 'carddav on Radicale',
  world: async () => {
    const account = onRadicale();
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
  waived: CONVERTED,
});
