/** What a plan leaves out as a whole, added up by rule: as the report does it from the ledger. */
import type { Container } from '../../connectors/contract.js';
import { compareKeys } from '../../connectors/kinds/key-order.js';
import type { LeftOutRule } from '../../words/left-out.js';

const SHOWN = 10;

export interface LeftOutRules {
  add(of: { readonly selection: string; readonly unit: number }, container: Container, rule: string): void;
  /** The rule that leaves out the most comes first. */
  all(): readonly LeftOutRule[];
}

export function createLeftOutRules(): LeftOutRules {
  const rules = new Map<string, { readonly units: Set<number> } & Omit<LeftOutRule, 'units'>>();
  return {
    add({ selection, unit }, { path, items = null }, rule) {
      const name = JSON.stringify([selection, rule]);
      const { units = new Set<number>(), ...sum } = rules.get(name) ?? { containers: 0, items: 0, first: [] };
      rules.set(name, {
        selection,
        rule,
        containers: sum.containers + 1,
        units: units.add(unit),
        items: sum.items === null || items === null ? null : sum.items + items,
        first: sum.containers < SHOWN ? [...sum.first, { unit, path: path.join('/') }] : sum.first,
      });
    },
    all: () =>
      [...rules.values()]
        .map(({ units, ...rule }) => ({ ...rule, units: units.size }))
        .sort((a, b) => b.containers - a.containers || compareKeys(a.selection + a.rule, b.selection + b.rule)),
  };
}
