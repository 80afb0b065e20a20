/** Files that have another name in the source now. */
import type { ItemRef } from '../../connectors/contract.js';
import type { FileMeta } from '../../connectors/kinds/files.js';
import { emptyBody } from '../../connectors/kinds/files.js';
import { departedById } from '../../ledger/departed.js';
import type { Entry } from '../decide/fitting.js';
import { moveDeparted } from '../write/departed.js';
import type { Pair } from './pair.js';
import type { Carriage, WithPath } from './placing.js';

/** Whether the source tells of a file what stays with it under another name (`departedById`). */
export function staysWithFile({ meta }: Pick<ItemRef, 'meta'>): boolean {
  return meta?.type === 'file' && typeof meta.id === 'string' && typeof meta.modified === 'string';
}

/**
 * Files that have another name in the source now, told by what stays with a file (`FileMeta.id`) and unchanged in size
 * and date, are renamed in the target without being read.
 */
export async function moveKnown(
  carriage: Carriage,
  pair: Pair,
  placed: readonly WithPath[],
): Promise<readonly WithPath[]> {
  const { slice, to } = carriage;
  const files = placed.filter(({ item }) => staysWithFile(item));
  if (files.length === 0) return placed;
  const open = await to.open(pair.target);
  if (!open.hasDeparted) return placed;
  const known = await departedById(
    slice.deps.ledger.pool,
    slice.pairing.id,
    files.map(({ item }) => item),
  );
  const entries = files.flatMap(({ item, path, notes }): Entry[] => {
    const digest = known.get(item.key);
    if (digest === undefined) return [];
    const body = emptyBody(item.meta as FileMeta, path);
    return [{ item, body, bytes: item.bytes, digest, notes, identities: [], path }];
  });
  if (entries.length === 0) return placed;
  const left = new Set((await moveDeparted(slice, open, pair.target, entries)).map((entry) => entry.item.key));
  const tried = new Set(entries.map((entry) => entry.item.key));
  return placed.filter(({ item }) => !tried.has(item.key) || left.has(item.key));
}
