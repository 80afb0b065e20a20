/** Containers that the spec leaves out are written down by each survey: people are told how many these are, and by which rule. */
import { isDeepStrictEqual } from 'node:util';
import type { Container } from '../../connectors/contract.js';
import { compareKeys } from '../../connectors/kinds/key-order.js';
import { fenced } from '../../ledger/leases.js';
import type { LeftOut } from '../../ledger/left-out.js';
import { writeLeftOut } from '../../ledger/left-out.js';
import type { Judged } from '../select/left-out.js';
import type { Slice } from '../slice/slice.js';

/** Writes nothing where it is as it was. */
export async function noteLeftOut(
  slice: Slice,
  containers: readonly Container[],
  ruleFor: (container: Judged) => string | undefined,
  known: readonly LeftOut[],
): Promise<void> {
  const now = containers
    .flatMap((container): LeftOut[] => {
      const rule = ruleFor(container);
      if (rule === undefined) return [];
      const { key, path, items = null } = container;
      return [{ key: writable(key), path: path.map(writable), rule: writable(rule), items }];
    })
    .sort((a, b) => compareKeys(a.key, b.key));
  if (isDeepStrictEqual(now, known)) return;
  await fenced(slice.deps.ledger, slice.lease, (sql) => writeLeftOut(sql, slice, slice.input.back === true, now));
}

/** JSON of PostgreSQL holds neither NUL nor halves of surrogate pairs. */
const writable = (text: string): string => text.replace(/\p{Cs}|\0/gu, '\ufffd');
