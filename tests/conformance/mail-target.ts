/** What every mail target must do, whatever the system. */
import type { Target } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/mail.js';
import type { Message } from './mail-source.js';
import { containers } from './target-containers.js';
import { evidence } from './target-evidence.js';
import { locating } from './target-locating.js';
import { writing } from './target-writing.js';
import type { Suite } from './trait.js';
import { runTraits } from './trait.js';

export interface Stored {
  readonly bytes: Buffer;
  readonly flags: readonly string[];
  readonly date?: string;
}

/** One account of a system, with a way to look into it that does not use the connector. */
export interface TargetWorld {
  /** A new session. The suite closes it. */
  open(): Target<Mail>;
  /** What a folder holds, in any order; empty when there is no such folder. */
  messages(path: readonly string[]): Promise<readonly Stored[]>;
  /** Adds a message as another program would, making its folder and the folders above it. */
  put(path: readonly string[], message: Message): Promise<unknown>;
  close(): Promise<void>;
}

const traits = { ...containers, ...writing, ...evidence, ...locating };
export type TargetTrait = keyof typeof traits;

export function mailTargetConformance(suite: Suite<TargetWorld, TargetTrait>): void {
  runTraits('mail target', suite, traits);
}
