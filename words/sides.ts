/** Which side is which, as people see it: the source and the target are those of the spec, in both directions. */

/**
 * On the way back of a two-way unit the source that the engine speaks of is the target of the spec. For sentences of our
 * own.
 */
export function seenFromSpec(said: string, back: boolean | undefined): string {
  if (!back) return said;
  return said.replace(/\b(?:source|target)\b/g, (side) => (side === 'source' ? 'target' : 'source'));
}
