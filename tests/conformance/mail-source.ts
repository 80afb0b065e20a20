/** What every mail source must do, whatever the system. */
import type { Source } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/mail.js';
import { listing } from './source-listing.js';
import { reading } from './source-reading.js';
import { tracking } from './source-tracking.js';
import type { Suite } from './trait.js';
import { runTraits } from './trait.js';

export interface Message {
  readonly bytes: Buffer;
  readonly flags?: readonly string[];
  readonly date?: string;
}

/** One account of a system, with a way to change it that does not use the connector. */
export interface SourceWorld {
  /** A new session. The suite closes it. */
  open(): Source<Mail>;
  /** Adds a message, making its folder and the folders above it, and tells its key. */
  put(path: readonly string[], message: Message): Promise<string>;
  setFlags?(path: readonly string[], key: string, flags: readonly string[]): Promise<void>;
  remove?(path: readonly string[], key: string): Promise<void>;
  close(): Promise<void>;
}

const traits = { ...listing, ...reading, ...tracking };
export type SourceTrait = keyof typeof traits;

export function mailSourceConformance(suite: Suite<SourceWorld, SourceTrait>): void {
  runTraits('mail source', suite, traits);
}
