/** What the suites of files ask of a target's system, and the first steps of each of their traits. */
import type { Source, Target, TargetContainer, TargetRef } from '../../connectors/contract.js';
import type { FileBody } from '../../connectors/files.js';
import { all, never } from './collect.js';
import type { FileOthers } from './trees.js';

export interface FileTargetWorld extends FileOthers {
  open(): Target<FileBody>;
  /** The same tree as a source; closed by whoever opens it. */
  source?(): Source<FileBody>;
}

export interface Ready {
  readonly target: Target<FileBody>;
  readonly container: TargetContainer;
}

export async function ready(world: FileTargetWorld): Promise<Ready> {
  const target = world.open();
  await target.place(never);
  return { target, container: await target.ensure({ path: [] }, never) };
}

export async function copyOf({ target, container }: Ready, ref: string): Promise<TargetRef> {
  const [copy] = await all(target.readBack(container, [ref], never));
  if (!copy) throw new Error(`there is no copy ${ref}`);
  return copy;
}
