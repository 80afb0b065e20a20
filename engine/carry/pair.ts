/** Connections that belong together: one to either side. */
import type { Source, Target, Uploads } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';

export interface Pair {
  readonly source: Source<unknown>;
  readonly target: Target<unknown>;
}

export function uploadsOf({ target }: Pair): Uploads {
  if (target.uploads) return target.uploads;
  throw new Fault('internal', 'the target takes no large files', { next: 'report this with the type of the target' });
}
