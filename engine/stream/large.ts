/** One large file on its way. */
import type { Uploads } from '../../connectors/contract.js';
import type { Pair } from '../carry/pair.js';
import type { Carriage } from '../carry/placing.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from '../write/bind.js';

export interface Large extends Carriage {
  readonly pair: Pair;
  readonly bound: Bound;
  readonly uploads: Uploads;
  /** The slice, but that its time does not end a part under way: at a low rate none would ever be done. */
  readonly lasting: Slice;
  readonly cut: { short: boolean };
}
