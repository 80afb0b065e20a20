import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { freshAccounts } from '../../tests/servers/dav-account.js';
import { startDavical } from '../../tests/servers/davical.js';

const davical = await startDavical();
afterAll(() => davical.stop());

const account = freshAccounts(davical, (user) => `/caldav.php/${user}/`, 'contacts');

const SOURCE = { 'says so when a token is not known': 'DAViCal 1.1.12 tells everything then' };
const TARGET = {
  'keeps 4.0 relations and accounts':
    'it is converted to 3.0 without a word of what changed: connectors/formats/vcard/to-30.ts, not DAViCal 1.1.12',
  'keeps 3.0 names of other scripts': 'DAViCal 1.1.12 makes one value of the list in NICKNAME',
  'keeps 3.0 everything escaped': 'DAViCal 1.1.12 unescapes N and CATEGORIES, or escapes them once too often',
};

itemSourceConformance({
  name: 'carddav on DAViCal',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.source };
  },
  waived: SOURCE,
});

itemTargetConformance({
  name: 'carddav on DAViCal',
  kind: 'contacts',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.target };
  },
  waived: TARGET,
});
