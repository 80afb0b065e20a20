/** UIDs and their sets (RFC 9051, sequence-set), and how UIDs become keys and references. */

/** A UID as a key: ten digits, so that keys ascend as strings as UIDs do as numbers. */
export function uidKey(uid: number): string {
  return String(uid).padStart(10, '0');
}

/**
 * A set such as `4:9,12` in the order written; `12:10` counts upwards, as the RFC says ranges do. Of a set with more than
 * `most` UIDs the first `most + 1` are returned: a server can write four billion of them in twelve characters.
 */
export function expandSet(set: string, most: number): number[] {
  const uids: number[] = [];
  for (const [from, to] of ranges(set)) {
    for (let uid = from; uid <= to; uid++) {
      uids.push(uid);
      if (uids.length > most) return uids;
    }
  }
  return uids;
}

/** The ranges of a set; anything that is not a number is left out. */
export function* ranges(set: string): Generator<readonly [number, number]> {
  for (const part of set.split(',')) {
    const [a, b = a] = part.split(':').map(Number);
    if (a === undefined || b === undefined || !Number.isInteger(a) || !Number.isInteger(b)) continue;
    yield a <= b ? [a, b] : [b, a];
  }
}

/** The shortest set of ascending UIDs: runs become ranges. */
export function uidSet(uids: readonly number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < uids.length; ) {
    const from = uids[at] as number;
    let end = at;
    while (uids[end + 1] === (uids[end] as number) + 1) end++;
    parts.push(end === at ? String(from) : `${from}:${uids[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}
