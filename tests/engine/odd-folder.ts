/** The folder connector with odd ways: a disk that answers, fails or sees names as the local one does not. */
import type { Connector } from '../../connectors/contract.js';
import { connector as folder } from '../../connectors/folder/index.js';
import type { FolderOptions } from '../../connectors/folder/manifest.js';
import { manifest } from '../../connectors/folder/manifest.js';
import type { FileBody, FileSource, FileTarget } from '../../connectors/kinds/files.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';

/** What each session becomes; as it is where nothing is given. */
export interface Odd {
  source?(source: FileSource): FileSource;
  target?(target: FileTarget): FileTarget;
}

/** All connectors; `folder` opens the sessions that `odd` makes of its own. */
export function withOddFolder(odd: Odd): Readonly<Record<string, Registration>> {
  const connector = {
    source(options, access) {
      const plain = folder.source(options, access);
      return odd.source?.(plain) ?? plain;
    },
    target(options, access) {
      const plain = folder.target(options, access);
      return odd.target?.(plain) ?? plain;
    },
  } satisfies Connector<FileBody, FolderOptions>;
  return { ...connectors, folder: { manifest, load: async () => connector } };
}
