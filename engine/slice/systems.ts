/**
 * Faults and gates name the system they are about as its spec does. Connectors and phases speak of the source and the target,
 * which on the way back of a two-way unit are the spec's target and source: whoever reads it then would look in the wrong one.
 */
import { Fault } from '../../connectors/errors.js';
import { systemWords } from '../../schemas/system-words.js';
import type { Side } from '../session/sides.js';
import type { Direction } from './both-sides.js';
import type { GateOpened } from './gate-of.js';

type Systems = Readonly<Record<Side, string>>;

export function systemsOf({ selection, sourceConfig, targetConfig }: Direction): Systems {
  return { source: systemWords(selection.from, sourceConfig), target: systemWords(selection.to, targetConfig) };
}

/** The text with the names of the systems for `the source` and `the target`. */
export function naming(text: string, systems: Systems): string {
  return text.replace(/\bthe (source|target)\b(?! account)/g, (_all, side: Side) => systems[side]);
}

/** The fault with its system in front, where it knows which that is. Anything else as it is. */
export function saidOf(error: unknown, direction: Direction): unknown {
  if (!(error instanceof Fault)) return error;
  const systems = systemsOf(direction);
  const said = naming(error.message, systems);
  const { code, retryAfterMs, next, side } = error;
  const isNamed = side === undefined || error.message.includes(`the ${side}`);
  return new Fault(code, isNamed ? said : behind(systems[side], said), {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(next !== undefined && { next: naming(next, systems) }),
    ...(side !== undefined && { side }),
    cause: error,
  });
}

/** A host or path that is named already is not told twice. */
function behind(system: string, said: string): string {
  const [, name = system, at] = /^(.*?) \((.*)\)$/.exec(system) ?? [];
  return `${at !== undefined && said.includes(at) ? name : system}: ${said}`;
}

export function gateOfSystems(gate: GateOpened, direction: Direction): GateOpened {
  const systems = systemsOf(direction);
  return {
    ...gate,
    reason: naming(gate.reason, systems),
    ...(gate.next !== undefined && { next: naming(gate.next, systems) }),
  };
}
