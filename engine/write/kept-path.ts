/** The name under which a copy is kept beside another of the same name. */

/** What most systems keep, where the target does not say. */
const NAME_BYTES = 255;
/** A longer ending is not a file type, and must not displace the rest of the name. */
const ENDING_BYTES = 16;

/** `folder/name (kept 1a2b3c4d).txt`, cut where the name would be too long: a long name must not keep the two together. */
export function keptPath(ref: string, digest: string, most = NAME_BYTES): string {
  const at = ref.lastIndexOf('/') + 1;
  const name = ref.slice(at);
  const dot = name.lastIndexOf('.');
  const ending = dot > 0 && Buffer.byteLength(name.slice(dot)) <= ENDING_BYTES ? name.slice(dot) : '';
  const mark = ` (kept ${digest.slice(0, 8)})${ending}`;
  let stem = '';
  for (const one of name.slice(0, name.length - ending.length)) {
    if (Buffer.byteLength(stem + one + mark) > most) break;
    stem += one;
  }
  return ref.slice(0, at) + stem + mark;
}
