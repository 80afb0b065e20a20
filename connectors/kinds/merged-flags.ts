/** Flags merge three ways: what the source changed since `base` is applied to what the target has now. */
export function mergedFlags(now: readonly string[], base: readonly string[], wanted: readonly string[]): string[] {
  const kept = now.filter((flag) => !base.includes(flag) || wanted.includes(flag));
  const added = wanted.filter((flag) => !base.includes(flag));
  return [...new Set([...kept, ...added])].sort();
}
