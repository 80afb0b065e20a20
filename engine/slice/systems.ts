/**
 * Faults and gates name the system they are about as its spec does. Connectors and phases speak of the source and the target,
 * which on the way back of a two-way unit are the spec's target and source: whoever reads it then would look in the wrong one.
 */
import { Fault } from '../../connectors/errors.js';
import { addressOf, systemWords } from '../../schemas/system-words.js';
import type { Side } from '../session/sides.js';
import type { Direction } from './both-sides.js';
import type { GateOpened } from './gate-of.js';

type Systems = Readonly<Record<Side, string>>;

function systemsOf({ selection, sourceConfig, targetConfig }: Direction): Systems {
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
  return new Fault(code, isNamed ? said : `${inFrontOf(said, direction, side)}: ${said}`, {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(next !== undefined && { next: naming(next, systems) }),
    ...(side !== undefined && { side }),
    cause: error,
  });
}

/** Where its host or path is named already, its name in the spec is enough. */
function inFrontOf(said: string, direction: Direction, side: Side): string {
  const { selection, sourceConfig, targetConfig, account } = direction;
  const [name, config, whose] =
    side === 'source' ? [selection.from, sourceConfig, account.from] : [selection.to, targetConfig, account.to];
  const at = addressOf(config)?.replaceAll('{account}', whose);
  return at !== undefined && said.includes(at) ? name : systemWords(name, config);
}

export function gateOfSystems(gate: GateOpened, direction: Direction): GateOpened {
  const systems = systemsOf(direction);
  return {
    ...gate,
    reason: naming(gate.reason, systems),
    ...(gate.next !== undefined && { next: naming(gate.next, systems) }),
  };
}
