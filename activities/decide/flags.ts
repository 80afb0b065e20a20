import type { JsonObject } from '../../connectors/contract.js';

/** The flags among an item's metadata; none for kinds without flags. */
export function flagsOf(meta: JsonObject): string[] {
  const { flags } = meta;
  return Array.isArray(flags) ? flags.filter((flag): flag is string => typeof flag === 'string') : [];
}
