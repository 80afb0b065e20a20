import { afterAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import { freshAccounts } from '../../tests/servers/dav-account.js';
import { startSogo } from '../../tests/servers/sogo.js';

const sogo = await startSogo();
afterAll(() => sogo.stop());

const account = freshAccounts(sogo, (user) => `/SOGo/dav/${user}/Calendar/`, 'calendar');

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
  'keeps floating time': 'SOGo 5.8.0 puts it into the zone of the account',
  'keeps an instant without end or duration': 'SOGo 5.8.0 makes it last an hour',
  'keeps a journal entry': 'SOGo 5.8.0 answers 404 to it',
  'keeps an organiser and attendees':
    'SOGo 5.8.0 takes a semicolon in a quoted CN, and two addresses in MEMBER, for ends',
  'keeps names with X': 'SOGo 5.8.0 escapes the backslash in a parameter once more',
  'keeps place and colour by number': 'SOGo 5.8.0 escapes the semicolon of GEO',
  'keeps a title of one blank and empty texts': 'SOGo 5.8.0 drops the title',
  'keeps broken: an end before its start': 'SOGo 5.8.0 puts start and end in order',
};

itemSourceConformance({
  name: 'caldav on SOGo',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.source };
  },
  waived: SOURCE,
});

itemTargetConformance({
  name: 'caldav on SOGo',
  kind: 'calendar',
  world: async () => {
    const fresh = await account();
    return { ...fresh, open: fresh.target };
  },
  waived: TARGET,
});
