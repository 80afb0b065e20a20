/** What planning a tree of files takes beside what every container takes: names, and what stands under the paths. */
import type { ItemRef, Page } from '../../connectors/contract.js';
import type { PlannedContainer } from '../../ledger/planned.js';
import type { Names, Twins } from '../select/names.js';
import { createNames } from '../select/names.js';
import type { Existing } from './existing.js';
import { createExisting } from './existing.js';
import type { ContainerPlan } from './judging.js';
import { noVolume } from './look.js';
import type { Renames } from './renames.js';
import { createRenames } from './renames.js';

/** What planning one tree works with. */
export interface TreePlan extends ContainerPlan {
  readonly volume: NonNullable<ContainerPlan['volume']>;
  readonly names: Names;
  /** Undefined where the target cannot be asked. */
  readonly existing: Existing | undefined;
  /** Undefined where nothing is known yet that could have another name now. */
  readonly renames: Renames | undefined;
}

/** `known`: what the ledger has of a container that the source still lists. */
export async function treePlan(
  plan: ContainerPlan,
  twins: Twins,
  known: PlannedContainer | undefined,
): Promise<TreePlan> {
  const { look, at } = plan;
  const { looked, container } = await at.open();
  return {
    ...plan,
    volume: noVolume(),
    names: createNames(look.target.names ?? {}, look.selection, twins),
    existing: looked ? createExisting(look, container) : undefined,
    renames: known && createRenames(look.planned, look.target.names ?? {}, known.id),
  };
}

/** So many entries are judged at once: a target is asked for all of one folder at a time. */
const GATHERED = 10_000;

/** Pages of a listing put together to larger ones. */
export async function* gathered(pages: AsyncIterable<Page<ItemRef>>): AsyncGenerator<Page<ItemRef>> {
  let entries: ItemRef[] = [];
  for await (const page of pages) {
    for (const entry of page.entries) entries.push(entry);
    if (entries.length < GATHERED) continue;
    yield { entries };
    entries = [];
  }
  if (entries.length > 0) yield { entries };
}
