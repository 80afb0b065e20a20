/** How many bytes a selection would move out of one account: what its source holds, without what has arrived before. */
import type { Container, Source } from '../../connectors/contract.js';
import { traits } from '../../connectors/kinds/traits.js';
import type { Selection } from '../../schemas/spec.js';
import { leavesOut } from '../select/left-out.js';
import { coversItem, filtersItems } from '../select/selecting.js';
import { opensFolder } from '../select/selecting-files.js';

/** Where the system has no sums of its own, or the filters leave items out, the items are listed. */
export async function bytesCovered(source: Source, selection: Selection, signal: AbortSignal): Promise<number> {
  const containers: Container[] = [];
  for await (const container of source.containers(signal)) containers.push(container);
  const rule = leavesOut(selection, containers);
  let bytes = 0;
  for (const container of containers) {
    if (rule(container) !== undefined) continue;
    signal.throwIfAborted();
    const told = choosesItems(selection) ? undefined : await source.bytes?.(container, signal);
    bytes += told ?? (await listed(source, container, selection, signal));
  }
  return bytes;
}

async function listed(
  source: Source,
  container: Container,
  selection: Selection,
  signal: AbortSignal,
): Promise<number> {
  const covers = coversItem(selection);
  let bytes = 0;
  for await (const { entries } of source.list(container, undefined, signal, opensFolder(selection))) {
    for (const entry of entries) if (covers(entry)) bytes += entry.bytes ?? 0;
  }
  return bytes;
}

/** Whether filters leave out some of what a container holds: of a tree of files, whose folders are items, any may. */
function choosesItems(selection: Selection): boolean {
  const { kind, include, exclude } = selection;
  return filtersItems(selection) || (traits[kind].place === 'path' && Boolean(include || exclude));
}
