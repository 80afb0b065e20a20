/** Which flags a folder keeps. */
import { isSendableFlag } from './command.js';
import type { Selected } from './session.js';

export interface KeptFlags {
  /** Sorted. */
  readonly kept: readonly string[];
  readonly notes: readonly string[];
}

/** PERMANENTFLAGS decides (RFC 9051, section 7.1); `\*` in it allows keywords that are new to the folder. */
export function keptFlags(flags: readonly string[], { permanentFlags }: Selected): KeptFlags {
  const allowed = permanentFlags && new Set([...permanentFlags].map((flag) => flag.toLowerCase()));
  const kept: string[] = [];
  const notes: string[] = [];
  for (const flag of flags) {
    const isNew = !flag.startsWith('\\') && allowed?.has('\\*');
    if (!isSendableFlag(flag)) notes.push(`the keyword ${flag} cannot be written in IMAP and was left out`);
    else if (allowed === undefined || isNew || allowed.has(flag.toLowerCase())) kept.push(flag);
    else notes.push(`the target does not keep ${flag} in this folder; it was left out`);
  }
  return { kept: kept.sort(), notes };
}
