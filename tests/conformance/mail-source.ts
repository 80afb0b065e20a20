/** What every mail source must do, whatever the system. */
import type { SourceWorld } from './mail-worlds.js';
import { listing } from './source-listing.js';
import { reading } from './source-reading.js';
import { tracking } from './source-tracking.js';
import type { Suite } from './trait.js';
import { runTraits } from './trait.js';

const traits = { ...listing, ...reading, ...tracking };
export type SourceTrait = keyof typeof traits;

/** Without what is read: that of items which each reading renders anew is no evidence. */
export function mailListingConformance(suite: Suite<SourceWorld, keyof typeof listing | keyof typeof tracking>): void {
  runTraits('mail listing', suite, { ...listing, ...tracking });
}

export function mailSourceConformance(suite: Suite<SourceWorld, SourceTrait>): void {
  runTraits('mail source', suite, traits);
}
