import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { freshAccounts } from '../../tests/servers/dav-account.js';
import { startSogo } from '../../tests/servers/sogo.js';

const sogo = await startSogo();
afterAll(() => sogo.stop());

const account = freshAccounts(sogo, (user) => `/SOGo/dav/${user}/Contacts/`, 'contacts');

itemSourceConformance({
  name: 'carddav on SOGo',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.source };
  },
});

itemTargetConformance({
  name: 'carddav on SOGo',
  kind: 'contacts',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.target };
  },
});
