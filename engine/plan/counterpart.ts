/** The other side of a container, looked at without making or changing anything; each look is taken only when needed. */
import type { Known, TargetContainer, TargetRef, Wanted } from '../../connectors/contract.js';
import type { Namesake } from '../../ledger/identities.js';
import { hashIdentity } from '../../ledger/identities.js';
import type { PlannedContainer } from '../../ledger/planned.js';
import { DEFAULT_MATCH } from '../decide/fitting.js';
import type { Look } from './look.js';

/** A copy that no item stands for. */
export interface PlannedUnclaimed {
  readonly ref: string;
  readonly digest: string;
  taken: boolean;
}

export interface UnclaimedCopies {
  readonly byDigest: ReadonlyMap<string, readonly PlannedUnclaimed[]>;
  readonly byIdentity: ReadonlyMap<string, readonly PlannedUnclaimed[]>;
}

export interface Opened {
  /** False: the connector cannot look without making. */
  readonly looked: boolean;
  /** Undefined: the target has none. */
  readonly container: TargetContainer | undefined;
  /** It is another than the one our items were written to: its references are void. */
  readonly renewed: boolean;
}

export interface Counterpart {
  /** Its key where we know one; going both ways, the name under which `Look.handled` keeps it. */
  key(): Promise<string | undefined>;
  open(): Promise<Opened>;
  unclaimed(): Promise<UnclaimedCopies>;
  versions(): Promise<ReadonlyMap<string, string> | undefined>;
  /** Copies by reference, with content; what is not there is left out. */
  read(refs: readonly string[]): Promise<ReadonlyMap<string, TargetRef>>;
  /** Hashed identities that new items of this plan have claimed. */
  readonly claimed: Map<string, Namesake>;
}

const NOTHING: UnclaimedCopies = { byDigest: new Map(), byIdentity: new Map() };

/** `voided`: the source renumbered the container, so that our items' copies are nobody's. */
export function createCounterpart(
  look: Look,
  wanted: Wanted,
  row: PlannedContainer | undefined,
  voided: boolean,
): Counterpart {
  const { target, planned, signal } = look;
  const bound = row?.targetKey ?? undefined;
  const open = once(async (): Promise<Opened> => {
    if (!target.find) {
      // What we wrote to before can be read without asking for it.
      const container = bound === undefined ? undefined : asBound(row as PlannedContainer, bound);
      return { looked: container !== undefined, container, renewed: false };
    }
    const container = await target.find(wanted, signal);
    const same = container?.key === bound && container?.validity === row?.targetValidity;
    return { looked: true, container, renewed: bound !== undefined && !same };
  });
  const key = async (): Promise<string | undefined> => bound ?? (await open()).container?.key;
  return {
    key,
    open,
    claimed: new Map(),
    unclaimed: once(async () => {
      const { container, renewed } = await open();
      // Going back, what both sides hold was found by the forward pass.
      if (!container || container.items === 0 || look.reverse) return NOTHING;
      const except = renewed || voided ? row?.id : undefined;
      return scanned(look, container, (refs) => planned.known(container.key, except, refs));
    }),
    versions: once(async () => {
      const at = await key();
      return at === undefined ? new Map<string, string>() : look.versions(at);
    }),
    async read(refs) {
      const { container } = await open();
      const copies = new Map<string, TargetRef>();
      if (!container || refs.length === 0) return copies;
      for await (const copy of target.readBack(container, [...refs].sort(), signal)) copies.set(copy.ref, copy);
      return copies;
    },
  };
}

/** Content is read for its digest and let go: a few hundred bytes are kept of each copy. */
async function scanned(look: Look, container: TargetContainer, known: Known): Promise<UnclaimedCopies> {
  const { rules, selection, target, signal } = look;
  const byDigest = new Map<string, PlannedUnclaimed[]>();
  const byIdentity = new Map<string, PlannedUnclaimed[]>();
  for await (const { entries } of target.scan(container, known, signal)) {
    for (const { ref, digest, body } of entries) {
      const copy = { ref, digest, taken: false };
      append(byDigest, digest, copy);
      if (!rules.adopts.includes('identity') || body === undefined) continue;
      const identities = rules.identities(body, selection.match ?? DEFAULT_MATCH);
      for (const identity of identities) append(byIdentity, hashIdentity(identity), copy);
    }
  }
  return { byDigest, byIdentity };
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

function asBound({ targetPath, targetValidity }: PlannedContainer, key: string): TargetContainer {
  return { key, path: targetPath ?? [], validity: targetValidity ?? '', created: false, items: 1 };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
