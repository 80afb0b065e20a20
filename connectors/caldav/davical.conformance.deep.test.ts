import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { freshAccounts } from '../../tests/servers/dav-account.js';
import { startDavical } from '../../tests/servers/davical.js';

const davical = await startDavical();
afterAll(() => davical.stop());

const account = freshAccounts(davical, (user) => `/caldav.php/${user}/`, 'calendar');

const SOURCE = { 'says so when a token is not known': 'DAViCal 1.1.12 tells everything then' };
const TARGET = {
  'keeps a series in a zone with exceptions and additions': 'DAViCal 1.1.12 answers 500 to RDATE;VALUE=PERIOD',
};

itemSourceConformance({
  name: 'caldav on DAViCal',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.source };
  },
  waived: SOURCE,
});

itemTargetConformance({
  name: 'caldav on DAViCal',
  kind: 'calendar',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.target };
  },
  waived: TARGET,
});
