/** Every connector: its manifest at once, its code only when asked for. */
import { manifest as caldav } from './caldav/manifest.js';
import { manifest as carddav } from './carddav/manifest.js';
import type { Connector } from './contract.js';
import { manifest as folder } from './folder/manifest.js';
import { manifest as imap } from './imap/manifest.js';
import { manifest as maildir } from './maildir/manifest.js';
import type { ConnectorManifest } from './manifest.js';
import { manifest as mbox } from './mbox/manifest.js';
import { manifest as memory } from './memory/manifest.js';
import { manifest as nextcloud } from './nextcloud/manifest.js';
import { manifest as postgres } from './postgres/manifest.js';
import { manifest as vdir } from './vdir/manifest.js';
import { manifest as webdav } from './webdav/manifest.js';

export interface Registration {
  readonly manifest: ConnectorManifest;
  readonly load: () => Promise<Connector>;
}

export const connectors: Readonly<Record<string, Registration>> = {
  caldav: { manifest: caldav, load: async () => (await import('./caldav/index.js')).connector },
  carddav: { manifest: carddav, load: async () => (await import('./carddav/index.js')).connector },
  folder: { manifest: folder, load: async () => (await import('./folder/index.js')).connector },
  imap: { manifest: imap, load: async () => (await import('./imap/index.js')).connector },
  maildir: { manifest: maildir, load: async () => (await import('./maildir/index.js')).connector },
  mbox: { manifest: mbox, load: async () => (await import('./mbox/index.js')).connector },
  memory: { manifest: memory, load: async () => (await import('./memory/index.js')).connector },
  nextcloud: { manifest: nextcloud, load: async () => (await import('./nextcloud/index.js')).connector },
  postgres: { manifest: postgres, load: async () => (await import('./postgres/index.js')).connector },
  vdir: { manifest: vdir, load: async () => (await import('./vdir/index.js')).connector },
  webdav: { manifest: webdav, load: async () => (await import('./webdav/index.js')).connector },
};
