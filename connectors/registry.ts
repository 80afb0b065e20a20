/** Every connector: its manifest at once, its code only when asked for. */
import type { Connector } from './contract.js';
import { manifest as imap } from './imap/manifest.js';
import { manifest as maildir } from './maildir/manifest.js';
import type { ConnectorManifest } from './manifest.js';
import { manifest as mbox } from './mbox/manifest.js';
import { manifest as memory } from './memory/manifest.js';

export interface Registration {
  readonly manifest: ConnectorManifest;
  readonly load: () => Promise<Connector<never>>;
}

export const connectors: Readonly<Record<string, Registration>> = {
  imap: { manifest: imap, load: async () => (await import('./imap/index.js')).connector as Connector<never> },
  maildir: { manifest: maildir, load: async () => (await import('./maildir/index.js')).connector as Connector<never> },
  mbox: { manifest: mbox, load: async () => (await import('./mbox/index.js')).connector as Connector<never> },
  memory: { manifest: memory, load: async () => (await import('./memory/index.js')).connector as Connector<never> },
};
