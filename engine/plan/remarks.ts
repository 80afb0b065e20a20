/** What a plan says beside its numbers: problems one by one, remarks about items summed up by their sentence. */
import type { Capability } from '../../connectors/contract.js';
import type { Fault } from '../../connectors/errors.js';
import type { PlanName, PlanNames, PlanNote, PlanProblem } from '../../words/plan.js';
import type { Deps } from '../deps.js';
import type { LeftOutRules } from './left-out.js';
import { createLeftOutRules } from './left-out.js';

export interface Remarks {
  /** Stands in the way. */
  problem(problem: PlanProblem): void;
  fault(where: string, fault: Fault): void;
  /** What a system says of itself that stands in the way. */
  capabilities(where: string, told: readonly Capability[]): void;
  /** One item that could not be moved. Of very many only the first are listed, and the rest counted. */
  refused(where: string, reason: string): void;
  /** Something said of items, as a sentence without their names. */
  note(where: string, sentence: string, items?: number): void;
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
  const notes = new Map<string, { where: string; note: string; count: number }>();
  const becomes = { renamed: 0, skipped: 0, refused: 0 };
  const names: PlanName[] = [];
  const unnamed = new Map<string, number>();
  let refused = 0;
  let unlisted = 0;
  let unsaid = 0;
  const problem = ({ where, problem: what, next }: PlanProblem): void => {
    if (problems.length === MAX_PROBLEMS) unlisted++;
    else problems.push({ where, problem: redact(what), ...(next !== undefined && { next: redact(next) }) });
  };
  const note = (where: string, sentence: string, items = 1): void => {
    const name = JSON.stringify([where, sentence]);
    const known = notes.get(name);
    if (known) known.count += items;
    else if (notes.size < MAX_NOTES) notes.set(name, { where, note: redact(sentence), count: items });
    else unsaid += items;
  };
  return {
    problem,
    fault: (where, { message, next }) => problem({ where, problem: message, ...(next !== undefined && { next }) }),
    capabilities(where, told) {
      for (const { name, value, problem: next, remark } of told) {
        if (next !== undefined) problem({ where, problem: `${name}: ${value}`, next });
        if (remark !== undefined) note(where, remark);
      }
    },
    refused(where, reason) {
      refused++;
      if (refused <= MAX_REFUSED) problem({ where, problem: reason });
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
