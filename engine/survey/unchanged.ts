/**
 * Most surveys of a later run find everything as it was. That is told by one look at what is known: then there is nothing
 * to write down but that the survey was made. Wherever anything is otherwise, the survey goes its whole way.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Container } from '../../connectors/contract.js';
import type { KnownContainer, KnownContainers } from '../../ledger/known-containers.js';
import { renewSurveys } from '../../ledger/known-containers.js';
import type { Judged } from '../select/left-out.js';
import type { Slice } from '../slice/slice.js';
import { noteGlobs } from './note-globs.js';

/** What the unit's spec covers, and by which filter. */
export interface Coverage {
  readonly covers: (container: Judged) => boolean;
  readonly filter: string;
}

/** Surveys a source that is as it was; undefined where it is not. */
export async function surveyUnchanged(
  slice: Slice,
  containers: readonly Container[],
  known: KnownContainers,
  coverage: Coverage,
): Promise<'settled' | 'done' | undefined> {
  const { deps, lease, run } = slice;
  if (!isAsItWas(containers, known.containers, coverage)) return undefined;
  const covered = known.containers.filter(({ survey }) => survey !== null);
  const listed = new Set(containers.map(({ key }) => key));
  const ids = covered.filter(({ key }) => listed.has(key)).map(({ id }) => id);
  if (covered.every(({ survey }) => survey?.run !== run)) await noteGlobs(deps.ledger.pool, slice, containers);
  await renewSurveys(deps.ledger, lease, slice, ids, run);
  return known.open ? 'done' : 'settled';
}

function isAsItWas(
  containers: readonly Container[],
  known: readonly KnownContainer[],
  { covers, filter }: Coverage,
): boolean {
  const byKey = new Map(containers.map((container) => [container.key, container]));
  if (known.some(({ troubled }) => troubled)) return false;
  for (const row of known) {
    const now = byKey.get(row.key);
    const isCovered = covers(now ?? row);
    if (isCovered !== (row.survey !== null)) return false;
    if (now ? isCovered && !isSame(row, now, filter) : row.present) return false;
  }
  const keys = new Set(known.map(({ key }) => key));
  return !containers.some((container) => !keys.has(container.key) && covers(container));
}

/** By its token, and by what is written down of it beside that. */
function isSame(row: KnownContainer, now: Container, filter: string): boolean {
  const { survey } = row;
  if (!survey || survey.token === null || survey.token !== now.token) return false;
  if (survey.filter !== filter || survey.outdated || survey.listingRun !== null) return false;
  const written = { path: now.path, role: now.role, subscribed: now.subscribed, properties: now.properties };
  const { path, role, subscribed, properties } = row;
  return (
    row.validity === now.validity &&
    isDeepStrictEqual(asWritten({ path, role, subscribed, properties }), asWritten(written))
  );
}

/** Absent, undefined and null are one in the ledger. */
function asWritten(value: object): unknown {
  return JSON.parse(JSON.stringify(value, (_key, member) => member ?? undefined));
}
