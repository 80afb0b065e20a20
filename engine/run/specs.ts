/** How specs reach the ledger: with the request for a run, or in parts ahead of it. */
import { Fault } from '../../connectors/errors.js';
import { currentSpec, hasSpec, readParts, readWholeSpec, removeParts, savePart, saveSpec } from '../../ledger/specs.js';
import type { SpecPart } from '../../schemas/packed-spec.js';
import { MAX_PARTS, PART_BYTES, unpackSpec } from '../../schemas/packed-spec.js';
import type { Spec } from '../../schemas/spec.js';
import type { Deps } from '../deps.js';

type Ledgered = Pick<Deps, 'ledger'>;

/** Writes down a part; with the last one the spec is put together. Safe to repeat. */
export async function keepPart(deps: Ledgered, part: SpecPart): Promise<void> {
  if (!isPart(part)) throw unusable(String(part.hash), 'a part is none of ours');
  await savePart(deps.ledger, part);
  // Not in the transaction that wrote it: of two that come at once, the later one sees both.
  await putTogether(deps, part.hash);
}

/** The spec under a hash with all its accounts, once it is there: `arrive`. */
export async function arrivedSpec(deps: Ledgered, hash: string): Promise<Spec> {
  await arrive(deps, hash, 0);
  return readWholeSpec(deps.ledger.pool, hash);
}

/** Throws `Fault('unavailable')` while parts of the spec are on their way, and `Fault('spec')` once that is too long ago. */
async function arrive(deps: Ledgered, hash: string, waitedMs: number): Promise<void> {
  if ((await hasSpec(deps.ledger.pool, hash)) || (await putTogether(deps, hash))) return;
  const isLost = waitedMs > PATIENCE_MS;
  throw new Fault(
    isLost ? 'spec' : 'unavailable',
    `the ledger lacks the accounts of the spec ${hash.slice(0, 12)}${isLost ? '' : ': not all have come yet'}`,
    { next: 'run `migrate apply` again: it sends them again', retryAfterMs: AGAIN_MS },
  );
}

/** The parts are ahead of who asks for them, in the same queue. */
const AGAIN_MS = 500;
/** Who lacks a part for so long has lost it: somebody terminated what was to bring it, or the ledger is an older one. */
const PATIENCE_MS = 3_600_000;

/** Sees to it that the ledger has the spec that a run was asked for `waitedMs` ago, and returns its hash. */
export async function takeSpec(
  deps: Ledgered,
  name: string,
  request: { readonly spec?: Spec; readonly specHash?: string },
  waitedMs: number,
): Promise<string> {
  const { ledger } = deps;
  if (request.spec && request.specHash) await saveSpec(ledger, request.specHash, request.spec);
  else if (request.specHash) await arrive(deps, request.specHash, waitedMs);
  const specHash = request.specHash || (await currentSpec(ledger.pool, name));
  if (specHash !== undefined) return specHash;
  throw new Fault('spec', `the ledger knows no migration "${name}"`, {
    next: 'run `migrate apply` with its spec first',
  });
}

/** False while parts are missing. */
async function putTogether({ ledger }: Ledgered, hash: string): Promise<boolean> {
  const parts = await readParts(ledger.pool, hash);
  if (parts === undefined) return false;
  const unpacked = unpackSpec(hash, parts);
  if ('problem' in unpacked) throw unusable(hash, unpacked.problem);
  await saveSpec(ledger, hash, unpacked.spec);
  await removeParts(ledger.pool, hash);
  return true;
}

function unusable(hash: string, problem: string): Fault {
  return new Fault('spec', `the accounts of the spec ${hash.slice(0, 12)} cannot be used: ${problem}`, {
    next: 'run `migrate apply` again, with a command of the version of the worker',
  });
}

function isPart({ hash, part, of, data }: SpecPart): boolean {
  const whole = Number.isInteger(part) && Number.isInteger(of) && part >= 1 && part <= of && of <= MAX_PARTS;
  return whole && /^[0-9a-f]{64}$/.test(hash) && typeof data === 'string' && data.length <= 2 * PART_BYTES;
}
