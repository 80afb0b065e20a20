/** What a container of a target holds that the engine does not know yet. */
import type { Known } from '../contract.js';

/** So many are asked about at once. */
const PAGE = 2_000;

/** Those of the references that are not known, in their order. */
export async function unknownRefs(refs: readonly string[], known: Known): Promise<string[]> {
  const unknown: string[] = [];
  for (let at = 0; at < refs.length; at += PAGE) {
    const page = refs.slice(at, at + PAGE);
    const there = await known(page);
    for (const ref of page) if (!there.has(ref)) unknown.push(ref);
  }
  return unknown;
}
