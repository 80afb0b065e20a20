/** The rows of a plan added up: by selection, by container over all accounts, by account. */
import type { SelectionWithAccounts } from '../../schemas/spec.js';
import type {
  PlanAccount,
  PlanContainer,
  PlanCounts,
  PlanFolder,
  PlanSelection,
  PlanTotals,
  PlanVolume,
} from '../../words/plan.js';
import type { Counts, Volume } from './look.js';
import { noCounts, noVolume } from './look.js';

export interface Grouped {
  readonly totals: PlanTotals;
  readonly selections: readonly PlanSelection[];
  readonly folders: readonly PlanFolder[];
  readonly accounts: readonly PlanAccount[];
  readonly containers: readonly PlanContainer[];
  readonly truncated: boolean;
}

export interface Grouping {
  /** Before its rows: a selection, with so many accounts. */
  begin(selection: SelectionWithAccounts, accounts: number): void;
  add(row: PlanContainer): void;
  result(): Grouped;
}

/** Of what is listed, as JSON: problems and remarks have to fit beside it into one message of Temporal. */
const MAX_BYTES = { containers: 450_000, folders: 150_000, accounts: 300_000 } as const;
const MAX_CONTAINERS = 2_000;
/** Names of containers that are told apart while they are added up. */
const MAX_NAMES = 20_000;

type Sum<T extends PlanCounts> = Omit<T, keyof PlanCounts | 'make' | 'accounts' | 'folders'> &
  Counts & { make: number; accounts: number; folders: number };

export function createGrouping(): Grouping {
  const selections = new Map<string, Sum<PlanSelection>>();
  const folders = new Map<string, Sum<PlanFolder>>();
  const accounts = new Map<string, Sum<PlanAccount>>();
  const containers = listing<PlanContainer>(MAX_BYTES.containers, MAX_CONTAINERS);
  const totals = { ...noCounts(), make: 0 };
  let volume: Volume | undefined;
  let whole = true;
  return {
    begin({ name, kind, from, to, mode }, count) {
      const twoWay = mode === 'two-way' && { twoWay: true as const };
      selections.set(name, { name, kind, from, to, ...twoWay, ...nothing(), accounts: count });
    },
    add(row) {
      const { selection, unit, account, back, path, target, make } = row;
      containers.add(row);
      const known = sumFor(accounts, JSON.stringify([selection, unit]), () => ({ selection, unit, account }));
      const name = JSON.stringify([selection, back, path, target]);
      const isNew = !folders.has(name);
      const folder =
        !isNew || folders.size < MAX_NAMES
          ? sumFor(folders, name, () => ({ selection, ...(back && { back }), path, target }))
          : undefined;
      if (!folder) whole = false;
      const whose = selections.get(selection);
      if (isNew && !back && whose) whose.folders++;
      if (!back) known.folders++;
      if (folder) folder.accounts++;
      for (const sum of [known, folder, whose, totals]) {
        if (!sum) continue;
        for (const key of COUNTED) sum[key] += row[key];
        if (make) sum.make++;
      }
      if (row.volume) volume = addVolume(volume, row.volume);
    },
    result() {
      const changed = [...folders.values()].sort((a, b) => work(b) - work(a));
      const [most, rest] = [listing<PlanFolder>(MAX_BYTES.folders), listing<PlanAccount>(MAX_BYTES.accounts)];
      for (const { folders: _, ...folder } of changed) most.add(folder);
      for (const { accounts: _, ...account } of accounts.values()) rest.add(account);
      return {
        totals: { ...totals, ...(volume && { volume }) },
        selections: [...selections.values()],
        folders: most.listed,
        accounts: rest.listed,
        containers: containers.listed,
        truncated: !(whole && containers.isWhole() && most.isWhole() && rest.isWhole()),
      };
    },
  };
}

const nothing = () => ({ ...noCounts(), make: 0, accounts: 0, folders: 0 });
const COUNTED = Object.keys(noCounts()) as (keyof Counts)[];

function sumFor<T extends object>(
  sums: Map<string, T & ReturnType<typeof nothing>>,
  name: string,
  of: () => T,
): T & ReturnType<typeof nothing> {
  const known = sums.get(name);
  if (known) return known;
  const sum = { ...of(), ...nothing() };
  sums.set(name, sum);
  return sum;
}

/** What a run would do in it. */
const work = ({ create, update, remove, moved, compare, conflict, refuse, make }: Counts & { make: number }): number =>
  create + update + remove + moved + compare + conflict + refuse + make;

/** As many as have room. */
function listing<T>(bytes: number, most = Number.POSITIVE_INFINITY) {
  const listed: T[] = [];
  let room = bytes;
  let whole = true;
  return {
    listed,
    isWhole: () => whole,
    add(one: T) {
      room -= JSON.stringify(one).length;
      if (room >= 0 && listed.length < most) listed.push(one);
      else whole = false;
    },
  };
}

function addVolume(sum: PlanVolume = noVolume(), row: PlanVolume): Volume {
  const added: Volume = { ...sum };
  for (const key of Object.keys(added) as (keyof PlanVolume)[]) added[key] += row[key];
  return added;
}
