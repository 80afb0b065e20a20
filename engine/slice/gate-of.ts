/** Which faults a unit waits out behind a gate instead of failing. */
import { Fault } from '../../connectors/errors.js';
import type { Covers } from '../../words/covers.js';
import type { Gate } from '../../words/units.js';
import type { Deps } from '../deps.js';

export interface GateOpened {
  readonly gate: Gate;
  readonly reason: string;
  readonly next?: string;
  /** What an approval of it lets pass. */
  readonly covers?: Covers;
  /** When time opens it by itself; absent: only a person does. */
  readonly retryAfterMs?: number;
}

/** The gate a fault opens; undefined for faults that are tried again or fail. */
export function gateOf(error: unknown, deps: Pick<Deps, 'redact' | 'settings'>): GateOpened | undefined {
  if (!(error instanceof Fault)) return undefined;
  const reason = deps.redact(error.message);
  switch (error.code) {
    case 'credentials':
      return {
        gate: 'credentials',
        reason,
        next: error.next ?? 'renew the secret where the spec names it, then run `migrate credentials`',
      };
    case 'quota':
      return {
        gate: 'quota',
        reason,
        next: error.next ?? 'make room in the target; it is tried again by itself, or at once with `migrate retry`',
        retryAfterMs: error.retryAfterMs ?? deps.settings.quotaRetryMs,
      };
    default:
      return undefined;
  }
}
