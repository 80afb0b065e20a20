import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { freshAccounts } from '../../tests/servers/dav-account.js';
import { startSogo } from '../../tests/servers/sogo.js';

const sogo = await startSogo();
afterAll(() => sogo.stop());

const account = freshAccounts(sogo, (user) => `/SOGo/dav/${user}/Contacts/`, 'contacts');

const RECENT = 'SOGo 5.8.0 tells changes by seconds: what was written within the last three is told again';
const SOURCE = {
  'keeps its token while nothing changes': RECENT,
  'remembers nothing that another session does not know': RECENT,
  'tells nothing when nothing changed': RECENT,
  'tells versions in changes as in listings': RECENT,
  'says so when a token is not known': 'SOGo 5.8.0 takes any number for a time',
};
const TARGET = {
  'writes an item once when two sessions create it at once': 'SOGo 5.8.0 ignores If-None-Match',
  'keeps 3.0 everything escaped': 'SOGo 5.8.0 escapes some of it otherwise',
  'keeps 3.0 empty properties': 'SOGo 5.8.0 leaves them out, with what stands in the same value',
};

itemSourceConformance({
  name: 'carddav on SOGo',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.source };
  },
  waived: SOURCE,
});

itemTargetConformance({
  name: 'carddav on SOGo',
  kind: 'contacts',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.target };
  },
  waived: TARGET,
});
