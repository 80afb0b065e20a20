/** What becomes of an item whose place in the target is taken: by a copy that was edited there, or by another item. */
import type { TargetRef } from '../../connectors/contract.js';
import { isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { OnConflict } from '../../schemas/spec.js';
import type { Slice } from '../slice/slice.js';
import type { Entry } from './fitting.js';

/** An entry that met a copy it did not expect. */
export interface Conflict {
  readonly entry: Entry;
  /** The copy; undefined where the target did not tell which. */
  readonly ref: string | undefined;
  /** `version`: our own copy was changed. Else what both have in common: `uid`, `email` … */
  readonly by: string;
}

export type Resolution =
  /** It says what the source says. */
  | { readonly to: 'take' }
  | { readonly to: 'replace'; readonly reason?: string }
  /** The copy is gone: the item is made anew. */
  | { readonly to: 'create'; readonly reason?: string }
  | { readonly to: 'keep-both'; readonly reason: string }
  /** The copy stays, and where both sides are kept in step it is carried back. */
  | { readonly to: 'yield'; readonly reason: string }
  | { readonly to: 'leave'; readonly outcome: 'conflict' | 'skipped'; readonly reason: string };

/** What a resolution depends on beside the two sides themselves. */
export type ConflictContext = Pick<Slice, 'selection' | 'other' | 'rules'>;

/** Which of the two sides stays, and what is said of it. */
export function resolveConflict(
  slice: ConflictContext,
  { entry, by }: Conflict,
  copy: TargetRef | undefined,
): Resolution {
  const { item, digest } = entry;
  const policy = slice.selection.onConflict ?? 'skip';
  const twoWay = slice.other !== undefined;
  const ours = brokenOff(slice, entry, by, copy);
  if (ours) return ours;
  if (!copy && by === 'path') {
    // Of the same path and another type: a folder where a file is to be, or the other way round.
    return { to: 'leave', outcome: 'conflict', reason: 'something of another type stands there in the target' };
  }
  if (!copy) {
    const reason = 'edited in the source, deleted in the target';
    // Going both ways an edit is worth more than a deletion; else deleting it was a person's decision.
    if (twoWay || by !== 'version' || (policy !== 'skip' && policy !== 'target')) return { to: 'create', reason };
    return { to: 'leave', outcome: policy === 'skip' ? 'conflict' : 'skipped', reason };
  }
  if (copy.digest === digest) return { to: 'take' };
  // The copy is as we left it: only its version was renewed.
  if (by === 'version' && isDigestOf(slice.rules, copy, item.digest)) return { to: 'replace' };
  if (by === 'version' && isDigestOf(slice.rules, entry, item.digest)) {
    const reason = 'edited in the target only';
    return twoWay ? { to: 'yield', reason } : { to: 'leave', outcome: 'skipped', reason };
  }
  const reason =
    by === 'version' ? 'edited on both sides' : `the target holds another with the same ${by === 'uid' ? 'UID' : by}`;
  return decide(policy, slice, entry, copy, reason, by);
}

/**
 * Where a write of ours has broken off, what stands there now is no person's if it is the beginning of what we sent, or
 * nothing at all: some servers write into the file itself, or take the old one away first. It is made whole. What we
 * cannot compare with, because the source has changed since, is let stand, and said: that it is newer proves nothing.
 */
function brokenOff(
  { rules, selection }: ConflictContext,
  { item, body, digest }: Entry,
  by: string,
  copy: TargetRef | undefined,
): Resolution | undefined {
  if (item.broken === null || copy?.digest === digest) return undefined;
  if (!copy) return by === 'version' ? { to: 'create' } : undefined;
  if (rules.beginning?.(body, copy.bytes) === copy.digest) return { to: 'replace' };
  const { onConflict } = selection;
  if (item.broken === digest || (onConflict !== 'newest' && onConflict !== 'target')) return undefined;
  return { to: 'leave', outcome: 'conflict', reason: UNTOLD };
}

const UNTOLD =
  'a write of ours broke off there, and the source has changed since: it cannot be told whether what stands there is a part of it or somebody’s own; look at it, remove one of the two, then retry';

function decide(
  policy: OnConflict,
  slice: ConflictContext,
  entry: Entry,
  copy: TargetRef,
  reason: string,
  by: string,
): Resolution {
  switch (policy) {
    case 'source':
      return { to: 'replace', reason: `${reason}; the source won` };
    case 'target':
      return { to: 'yield', reason: `${reason}; the target won` };
    case 'newest': {
      const ours = slice.rules.modified(entry.body);
      const theirs = slice.rules.modified(copy.body);
      if (ours === undefined || theirs === undefined || ours === theirs) {
        return { to: 'leave', outcome: 'conflict', reason: `${reason}; which is newer cannot be told` };
      }
      return ours > theirs
        ? { to: 'replace', reason: `${reason}; the source is newer and won` }
        : { to: 'yield', reason: `${reason}; the target is newer and won` };
    }
    case 'both':
      return { to: 'keep-both', reason: `${reason}; both were kept` };
    case 'skip':
      // That two contacts share an address is what `match` was asked to look for: no failure.
      return {
        to: 'leave',
        outcome: by === 'version' || by === 'uid' || by === 'path' ? 'conflict' : 'skipped',
        reason,
      };
    default:
      return policy satisfies never;
  }
}

/** What was found by something else than its UID replaces the copy under the copy's own: servers let no UID change. */
export function underItsName({ rules }: Pick<Slice, 'rules'>, { entry, by }: Conflict, copy: TargetRef): Entry {
  const uid = rules.identities(copy.body, ['uid'])[0]?.slice('uid:'.length);
  if (by === 'version' || by === 'uid' || uid === undefined) return entry;
  const body = rules.named(entry.body, uid);
  return { ...entry, body, bytes: rules.size(body), digest: rules.digest(body), uid };
}
