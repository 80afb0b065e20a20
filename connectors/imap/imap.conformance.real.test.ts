/** The mail suites on a real Dovecot; imapflow is the independent hand that puts and looks. */
import { afterAll, beforeAll } from 'vitest';
import type { SourceTrait } from '../../tests/conformance/mail-source.js';
import { mailSourceConformance } from '../../tests/conformance/mail-source.js';
import type { TargetTrait } from '../../tests/conformance/mail-target.js';
import { mailTargetConformance } from '../../tests/conformance/mail-target.js';
import type { Dovecot } from '../../tests/servers/dovecot.js';
import { startDovecot } from '../../tests/servers/dovecot.js';
import type { DovecotOptions } from '../../tests/servers/dovecot-config.js';
import { openSource, openTarget } from '../../tests/servers/imap-account.js';
import { ImapWitness } from '../../tests/servers/imap-witness.js';

const NO_ZONE = 'Dovecot keeps the second of an internal date, and shows it in its own zone';
const NO_FUTURE = 'Dovecot takes the present for an internal date in the future';
const NO_EMPTY = 'Dovecot stores no empty message';
const NO_DOT = 'with separator / this Dovecot takes no slash or dot in a name';

const SOURCE_WAIVERS: Partial<Record<SourceTrait, string>> = {
  'keeps the zone of an internal date': NO_ZONE,
  'tells internal dates before 1980 and after 2038': NO_FUTURE,
  'finds a folder name with a slash': NO_DOT,
  'finds a folder name with a dot': NO_DOT,
  'finds odd names below odd names': NO_DOT,
  'reads an empty message': NO_EMPTY,
};

/** What a plain IMAP4rev1 server does not have. */
const EXTENSIONS = [
  'BINARY',
  'CONDSTORE',
  'ENABLE',
  'ESEARCH',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'LITERAL+',
  'MOVE',
  'MULTIAPPEND',
  'NAMESPACE',
  'QRESYNC',
  'SASL-IR',
  'SPECIAL-USE',
  'UIDPLUS',
];
const NO_UIDPLUS = 'without UIDPLUS nothing can be expunged alone';
const NO_CONDSTORE = 'without CONDSTORE nothing tells a change of flags';
const NO_TOKENS: Partial<Record<SourceTrait, string>> = {
  'tells equal tokens when nothing changed': NO_CONDSTORE,
  'tells another token after a new message': NO_CONDSTORE,
  'tells another token after a change of flags': NO_CONDSTORE,
  'tells another token after a removal': NO_CONDSTORE,
  'tells no changes when there are none': NO_CONDSTORE,
  'tells changes that bring an old listing up to date': NO_CONDSTORE,
  'does not tell a message that came and went as new': NO_CONDSTORE,
};

const SERVERS: readonly {
  readonly name: string;
  readonly options: DovecotOptions;
  readonly waived: {
    readonly source: Partial<Record<SourceTrait, string>>;
    readonly target: Partial<Record<TargetTrait, string>>;
  };
}[] = [
  {
    name: 'imap on dovecot',
    options: {},
    waived: { source: SOURCE_WAIVERS, target: {} },
  },
  {
    name: 'imap on dovecot without extensions',
    options: { withoutCapabilities: EXTENSIONS },
    waived: {
      source: { ...SOURCE_WAIVERS, ...NO_TOKENS },
      target: {
        'moves one message': NO_UIDPLUS,
        'removes only the one asked for': NO_UIDPLUS,
        'has removed what is gone': NO_UIDPLUS,
        'survives removing, moving and changing what is gone': NO_UIDPLUS,
        'leaves out of readBack what is not there': NO_UIDPLUS,
        'describes itself without a problem': NO_UIDPLUS,
      },
    },
  },
];

for (const { name, options, waived } of SERVERS) {
  let dovecot: Dovecot;
  let accounts = 0;
  const users = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`user${n}`, 'secret']));
  beforeAll(async () => {
    dovecot = await startDovecot({ users, ...options });
  });
  afterAll(() => dovecot.stop());

  mailSourceConformance({
    name,
    waived: waived.source,
    world: async () => {
      const account = `user${accounts++}`;
      const witness = await ImapWitness.open(dovecot, account);
      return {
        open: () => openSource(dovecot, account),
        put: (path, message) => witness.put(path, message),
        setFlags: (path, key, flags) => witness.setFlags(path, key, flags),
        remove: (path, key) => witness.remove(path, key),
        close: () => witness.close(),
      };
    },
  });

  mailTargetConformance({
    name,
    waived: waived.target,
    world: async () => {
      const account = `user${accounts++}`;
      const witness = await ImapWitness.open(dovecot, account);
      return {
        open: () => openTarget(dovecot, account),
        messages: (path) => witness.messages(path),
        put: async (path, message) => void (await witness.put(path, message)),
        close: () => witness.close(),
      };
    },
  });
}
