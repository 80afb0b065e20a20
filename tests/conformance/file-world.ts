/** What the suites of files ask of a target's system, and the first steps of each of their traits. */
import type { TargetContainer, TargetRef } from '../../connectors/contract.js';
import type { FileSource, FileTarget } from '../../connectors/kinds/files.js';
import { all, never } from './collect.js';
import type { FileOthers } from './trees.js';

export interface FileTargetWorld extends FileOthers {
  open(): FileTarget;
  /** The same tree as a source; closed by whoever opens it. */
  source?(): FileSource;
}

export interface Ready {
  readonly target: FileTarget;
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
