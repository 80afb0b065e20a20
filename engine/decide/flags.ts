/** Flags and dates: what three-way merging starts from, and what the target did not keep. */
import type { JsonObject } from '../../connectors/contract.js';

/** The flags among an item's metadata; none for kinds without flags. */
export function flagsOf(meta: JsonObject): string[] {
  return names(meta.flags);
}

/**
 * The base after a change of flags whose answer was lost: the target has them either as they were or as they were meant.
 * Those in which both agree are known; the others are `doubted`.
 */
export function doubtedBase(base: JsonObject, meant: JsonObject): JsonObject {
  const [was, now] = [new Set(flagsOf(base)), new Set(flagsOf(meant))];
  const agreed = [...was].filter((flag) => now.has(flag));
  const differing = [...was, ...now].filter((flag) => was.has(flag) !== now.has(flag));
  const doubted = [...new Set([...names(base.doubted), ...differing])];
  const { date, ...rest } = base;
  // A date in doubt is written again.
  const dated = date !== undefined && date === meant.date ? { date } : {};
  return { ...rest, ...dated, flags: agreed.filter((flag) => !doubted.includes(flag)), doubted };
}

/** The base to merge from, so that each doubted flag is set or taken away as `wanted` has it. */
export function mergeBase(base: JsonObject, wanted: JsonObject): JsonObject {
  const { doubted, ...known } = base;
  if (doubted === undefined) return base;
  const now = new Set(flagsOf(wanted));
  return { ...known, flags: [...flagsOf(base), ...names(doubted).filter((flag) => !now.has(flag))] };
}

/** Flags and dates that the target did not keep are named; they do not make it another message. */
export function metaNotes(wanted: JsonObject, copy: JsonObject): string | undefined {
  const notes: string[] = [];
  const kept = new Set(flagsOf(copy).map((flag) => flag.toLowerCase()));
  const lost = flagsOf(wanted).filter((flag) => !kept.has(flag.toLowerCase()));
  if (lost.length > 0) notes.push(`flags not kept: ${lost.join(' ')}`);
  const before = typeof wanted.date === 'string' ? Date.parse(wanted.date) : Number.NaN;
  const after = typeof copy.date === 'string' ? Date.parse(copy.date) : Number.NaN;
  if (!Number.isNaN(before) && before !== after) notes.push('internal date not kept');
  if (Number.isNaN(before) && typeof copy.date === 'string')
    notes.push(`the source tells no date of arrival; its copy has ${copy.date}`);
  return notes.length > 0 ? notes.join('; ') : undefined;
}

function names(flags: unknown): string[] {
  return Array.isArray(flags) ? flags.filter((flag): flag is string => typeof flag === 'string') : [];
}
