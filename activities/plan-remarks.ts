/** What a plan says beside its numbers: problems one by one, remarks about items summed up by their sentence. */
import type { Capability } from '../connectors/contract.js';
import type { Fault } from '../connectors/errors.js';
import type { PlanNote, PlanProblem } from '../workflows/messages.js';
import type { Deps } from './deps.js';

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
  problems(): readonly PlanProblem[];
  notes(): readonly PlanNote[];
}

/** A plan travels through Temporal's history: what is said of single items is bounded. */
const MAX_REFUSED = 500;
const MAX_NOTES = 500;

export function createRemarks({ redact }: Pick<Deps, 'redact'>): Remarks {
  const problems: PlanProblem[] = [];
  const notes = new Map<string, { where: string; note: string; count: number }>();
  let refused = 0;
  let unsaid = 0;
  const problem = ({ where, problem: what, next }: PlanProblem): void => {
    problems.push({ where, problem: redact(what), ...(next !== undefined && { next: redact(next) }) });
  };
  return {
    problem,
    fault: (where, { message, next }) => problem({ where, problem: message, ...(next !== undefined && { next }) }),
    capabilities(where, told) {
      for (const { name, value, problem: next } of told) {
        if (next !== undefined) problem({ where, problem: `${name}: ${value}`, next });
      }
    },
    refused(where, reason) {
      refused++;
      if (refused <= MAX_REFUSED) problem({ where, problem: reason });
    },
    note(where, sentence, items = 1) {
      const name = JSON.stringify([where, sentence]);
      const known = notes.get(name);
      if (known) known.count += items;
      else if (notes.size < MAX_NOTES) notes.set(name, { where, note: redact(sentence), count: items });
      else unsaid += items;
    },
    problems() {
      const more = refused - MAX_REFUSED;
      return more > 0 ? [...problems, { where: 'plan', problem: `${more} more items would be refused` }] : problems;
    },
    notes() {
      const said = [...notes.values()];
      return unsaid > 0 ? [...said, { where: 'plan', note: 'further remarks, too many to list', count: unsaid }] : said;
    },
  };
}
