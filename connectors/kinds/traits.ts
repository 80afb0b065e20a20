/**
 * What a kind is, as far as whoever works with all kinds asks: for these, and never for a kind's name. Values that no kind has
 * yet (a place `key`, edits `none`, transport `steps`) come with the first that has them, and with what the engine does then.
 */
import type { Kind } from '../contract.js';

export interface Traits {
  /**
   * Where an item stands: in a container among others; under the path that its key names, in one container for the
   * whole tree (files.ts), where whoever writes meets it.
   */
  readonly place: 'container' | 'path';
  /**
   * By what a copy that is there already is recognised as that of an item: its content; what it says of itself (a UID);
   * its path.
   */
  readonly adopts: readonly ('digest' | 'identity' | 'path')[];
  /** Whether what left one place of the source and came to another is moved in the target, and not written again. */
  readonly relocates: boolean;
  /** What an edit in the source changes: metadata alone, or the content, which then is written anew. */
  readonly edits: 'meta' | 'content';
  /** How bodies travel: many in one go; large ones in parts. */
  readonly transport: readonly ('batch' | 'stream')[];
}

const NAMED: Traits = {
  place: 'container',
  adopts: ['digest', 'identity'],
  relocates: true,
  edits: 'content',
  transport: ['batch'],
};

export const traits: Readonly<Record<Kind, Traits>> = {
  mail: { place: 'container', adopts: ['digest'], relocates: true, edits: 'meta', transport: ['batch'] },
  calendar: NAMED,
  contacts: NAMED,
  files: { place: 'path', adopts: ['path'], relocates: true, edits: 'content', transport: ['batch', 'stream'] },
};

/** Items that travel in parts may be of any size: how many have arrived says little about how far it is. */
export function measureOf(kinds: readonly Kind[]): 'items' | 'bytes' {
  return kinds.some((kind) => traits[kind].transport.includes('stream')) ? 'bytes' : 'items';
}

/**
 * Whether an item brings a name under which a target holds one only, so that a second write of it meets the first. Where it
 * brings none, the target invents references, two copies stand side by side, and only their content shows that they are the same.
 */
export function bringsName({ adopts }: Pick<Traits, 'adopts'>): boolean {
  return adopts.some((by) => by !== 'digest');
}
