/** What an approval covers: named before it is asked for, and nothing else is let pass by it. */
import type { Gate } from './units.js';

/** So many items of a gate are named where people look; all of them are in the ledger. */
export const COVERED_NAMED = 10;

/** Of gates that an approval opens: it opens those alone that it was shown, so that these are shown before all others. */
export const waitsForApproval = ({ gate }: { readonly gate?: Gate | null }): boolean =>
  gate === 'approval' || gate === 'failures';

export interface Covers {
  /** Stands for exactly these items, at this gate, in this run. An approval that carries it opens no other gate. */
  readonly token: string;
  /** How many there are. */
  readonly items: number;
  /** Of deletions: the system that copies are removed from, by its name in the spec and its host. */
  readonly system?: string;
  /** Of deletions: the account there. */
  readonly account?: string;
  /** The first of them; none where too many gates are named already. */
  readonly first: readonly CoveredItem[];
  /** Of failures: the most frequent reasons. */
  readonly causes?: readonly CoveredCause[];
}

export interface CoveredCause {
  readonly reason: string;
  readonly items: number;
}

export interface CoveredItem {
  /** Of deletions: in the system that they are removed from. */
  readonly folder: string;
  /** What the system that it came from calls it: a UID, a name, a path. */
  readonly key: string;
  /** What the copy is called, where that is not the key. */
  readonly ref?: string;
  readonly bytes: number;
  /** When it was received, or changed last, as the source said. */
  readonly date?: string;
  /** Of failures. */
  readonly reason?: string;
}
