/** What a plan says beside its numbers: problems one by one, remarks about items summed up by their sentence. */
import type { Capability } from '../../connectors/contract.js';
import type { Fault } from '../../connectors/errors.js';
import type { Account } from '../../schemas/spec.js';
import type { UnitName } from '../../words/accounts.js';
import { accountName } from '../../words/accounts.js';
import type { PlanName, PlanNames, PlanNote, PlanProblem } from '../../words/plan.js';
import type { Deps } from '../deps.js';
import type { LeftOutRules } from './left-out.js';
import { createLeftOutRules } from './left-out.js';

/** What something is said of: an account, or its side. */
export interface Where {
  readonly words: string;
  readonly unit: UnitName & { readonly selection: string };
  readonly side?: string;
}

export function whereOf(selection: string, n: number, account: Account): Where {
  const name = accountName(account);
  return { words: `${selection}, unit ${n}, ${name}`, unit: { n, account: name, selection } };
}

export function sideOf({ words, unit }: Where, side: string): Where {
  return { words: `${words}: ${side}`, unit, side };
}

/** What leaves items out: they are counted under this name. */
export type LeftAs = NonNullable<PlanNote['what']>;

export interface Remarks {
  /** Stands in the way. */
  fault(where: Where | string, fault: Fault): void;
  /** What a system says of itself that stands in the way. */
  capabilities(where: Where, told: readonly Capability[]): void;
  /** One item that could not be moved. Of very many only the first are listed, and the rest counted. */
  refused(where: string, reason: string): void;
  /** Something said of items, as a sentence without their names; of several accounts of a selection it is said once. */
  note(where: Where | string, sentence: string, items?: number, what?: LeftAs): void;
  /** A name that the target cannot keep. The first are listed, all are counted. */
  name(name: PlanName): void;
  /** Containers that are not looked at, by the rules of the spec. */
  readonly leftOut: LeftOutRules;
  names(): PlanNames | undefined;
  problems(): readonly PlanProblem[];
  notes(): readonly PlanNote[];
}

/** A plan travels through Temporal's history: what is said of single items and accounts is bounded. */
const MAX_PROBLEMS = 1_000;
const MAX_REFUSED = 500;
const MAX_UNNAMED = 200;
const MAX_NOTES = 500;
const MAX_NAMES = 20;

export function createRemarks({ redact }: Pick<Deps, 'redact'>): Remarks {
  const problems: PlanProblem[] = [];
  const notes = new Map<string, Said>();
  const becomes = { renamed: 0, skipped: 0, refused: 0 };
  const names: PlanName[] = [];
  const unnamed = new Map<string, number>();
  let refused = 0;
  let unlisted = 0;
  let unsaid = 0;
  const problem = (of: Where | string, what: string, next?: string): void => {
    if (problems.length === MAX_PROBLEMS) unlisted++;
    else problems.push({ ...saidOf(of), problem: redact(what), ...(next !== undefined && { next: redact(next) }) });
  };
  const note = (of: Where | string, sentence: string, items = 1, what?: LeftAs): void => {
    const selection = typeof of === 'string' ? of : of.unit.selection;
    const where = typeof of === 'string' ? of : of.words;
    const name = JSON.stringify([selection, sentence, what]);
    const known = notes.get(name);
    if (known) {
      known.count += items;
      if (known.where !== where) known.where = selection;
    } else if (notes.size < MAX_NOTES) {
      notes.set(name, { where, note: redact(sentence), count: items, ...(what && { what }) });
    } else unsaid += items;
  };
  return {
    fault: (where, { message, next }) => problem(where, message, next),
    capabilities(where, told) {
      for (const { name, value, problem: next, remark } of told) {
        if (next !== undefined) problem(where, `${name}: ${value}`, next);
        if (remark !== undefined) note(where, remark);
      }
    },
    refused(where, reason) {
      refused++;
      if (refused <= MAX_REFUSED) problem(where, reason);
    },
    note,
    name(name) {
      becomes[name.becomes]++;
      if (name.becomes === 'refused') unnamed.set(name.where, (unnamed.get(name.where) ?? 0) + 1);
      if (names.length < MAX_NAMES) names.push({ ...name, reason: redact(name.reason) });
    },
    leftOut: createLeftOutRules(),
    names: () => (becomes.renamed + becomes.skipped + becomes.refused > 0 ? { ...becomes, first: names } : undefined),
    problems() {
      const more = refused - MAX_REFUSED;
      const others = unlisted + Math.max(0, unnamed.size - MAX_UNNAMED);
      return [
        ...problems,
        ...[...unnamed].slice(0, MAX_UNNAMED).map(([where, items]) => ({
          where,
          problem: `the target cannot keep ${items === 1 ? 'a name' : `${items} names`} of the source: what has them would be refused`,
          next: 'rename them in the source, or set `names` of the selection to rename or skip',
        })),
        ...(more > 0 ? [{ where: 'plan', problem: `${more} more items would be refused` }] : []),
        ...(others > 0 ? [{ where: 'plan', problem: `${others} more problems like these, too many to list` }] : []),
      ];
    },
    notes() {
      const said = [...notes.values()];
      return unsaid > 0 ? [...said, { where: 'plan', note: 'further remarks, too many to list', count: unsaid }] : said;
    },
  };
}

type Said = { -readonly [key in keyof PlanNote]: PlanNote[key] };

export function saidOf(of: Where | string): Pick<PlanProblem, 'where' | 'unit' | 'side'> {
  if (typeof of === 'string') return { where: of };
  const { words, unit, side } = of;
  return { where: words, unit, ...(side !== undefined && { side }) };
}
