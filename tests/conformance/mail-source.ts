/** What every mail source must do, whatever the system. */
import type { SourceWorld } from './mail-worlds.js';
import { listing } from './source-listing.js';
import { reading } from './source-reading.js';
import { tracking } from './source-tracking.js';
import type { Suite } from './trait.js';
import { runTraits } from './trait.js';

const traits = { ...listing, ...reading, ...tracking };
export type SourceTrait = keyof typeof traits;

export function mailSourceConformance(suite: Suite<SourceWorld, SourceTrait>): void {
  runTraits('mail source', suite, traits);
}
