import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { freshAccounts } from '../../tests/servers/dav-account.js';
import { startDavical } from '../../tests/servers/davical.js';

const davical = await startDavical();
afterAll(() => davical.stop());

const account = freshAccounts(davical, (user) => `/caldav.php/${user}/`, 'contacts');

itemSourceConformance({
  name: 'carddav on DAViCal',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.source };
  },
});

itemTargetConformance({
  name: 'carddav on DAViCal',
  kind: 'contacts',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.target };
  },
});
