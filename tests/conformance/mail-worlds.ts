/** What the suites of mail ask of a system: an account, and a way to change it and look into it without the connector. */
import type { Source, Target } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/kinds/mail.js';

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
