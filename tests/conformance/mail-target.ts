/** What every mail target must do, whatever the system. */
import type { TargetWorld } from './mail-worlds.js';
import { containers } from './target-containers.js';
import { evidence } from './target-evidence.js';
import { locating } from './target-locating.js';
import { writing } from './target-writing.js';
import type { Suite } from './trait.js';
import { runTraits } from './trait.js';

const traits = { ...containers, ...writing, ...evidence, ...locating };
export type TargetTrait = keyof typeof traits;

export function mailTargetConformance(suite: Suite<TargetWorld, TargetTrait>): void {
  runTraits('mail target', suite, traits);
}
