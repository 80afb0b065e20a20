/**
 * The order of keys: that of their UTF-8 bytes, as the ledger compares them. It is not that of JavaScript's strings,
 * where an emoji (two surrogates) comes before a full-width letter.
 */

/** Below, at or above 0, as `sort` wants it. */
export function compareKeys(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  for (let at = 0; at < most; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Whether `a` stands behind `b` in listings. */
export const isAbove = (a: string, b: string): boolean => compareKeys(a, b) > 0;

/** Surrogates stand for code points above all others. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
