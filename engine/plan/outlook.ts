/** What a plan says of all its units together: whether the targets have room, and how long a run would take. */

import { measuredPhases } from '../../ledger/planned.js';
import type { Spec } from '../../schemas/spec.js';
import { size } from '../../words/numbers.js';
import type { PlanContainer, PlanForecast, PlanProblem } from '../../words/plan.js';
import type { Work } from './forecast.js';
import { forecast } from './forecast.js';
import type { Look } from './look.js';
import type { Where } from './remarks.js';
import { saidOf, sideOf } from './remarks.js';

export interface Outlook {
  /** Takes a unit up once all its rows are known. `place`: what the target account has proven to be. */
  add(look: Look, place: string, rows: readonly PlanContainer[]): Promise<void>;
  problems(): readonly PlanProblem[];
  forecast(nowMs: number): PlanForecast | undefined;
}

interface Room {
  readonly where: Where;
  readonly free: number;
  needed: number;
}

export function createOutlook(spec: Spec): Outlook {
  const rooms = new Map<string, Room>();
  const works: Work[] = [];
  return {
    async add(look, place, rows) {
      const { deps, selection, account, target, rules, signal } = look;
      const needed = rows.reduce((sum, row) => sum + row.bytes, 0);
      const room = needed > 0 ? await target.room?.(signal) : undefined;
      if (room) {
        const of = room.disk ?? place;
        const where = sideOf(look.where, look.reverse ? 'source' : 'target');
        const known = rooms.get(of);
        if (known) known.needed += needed;
        else rooms.set(of, { where, free: room.bytes, needed });
      }
      if (!rules.transport.includes('stream')) return;
      const measured = await measuredPhases(deps.ledger, spec.name, selection.name, account);
      works.push({ ...amounts(rows, selection.verify !== 'size'), from: selection.from, to: selection.to, measured });
    },
    problems: () =>
      [...rooms.values()].flatMap(({ where, free, needed }) =>
        needed <= free
          ? []
          : [
              {
                ...saidOf(where),
                problem: `the target has room for ${size(free)}, and ${size(needed)} are to be created`,
                next: 'make room there or have its quota raised; a run waits at the gate `quota` when it is full',
              },
            ],
      ),
    forecast: (nowMs) => forecast(spec, works, nowMs),
  };
}

function amounts(
  rows: readonly PlanContainer[],
  readsBack: boolean,
): Pick<Work, 'listed' | 'items' | 'bytes' | 'proven'> {
  let [listed, written, others, bytes, compared] = [0, 0, 0, 0, 0];
  // Renamed ones are not sent, but proven as all others are.
  const renamed = { items: 0, bytes: 0 };
  for (const row of rows) {
    written += row.create + row.update;
    others += row.remove + row.compare + row.moved;
    listed += row.create + row.update + row.moved + row.compare + row.unchanged + row.adopt + row.excluded;
    bytes += row.bytes + (row.volume?.update ?? 0);
    compared += row.volume?.compare ?? 0;
    renamed.items += row.moved;
    renamed.bytes += row.volume?.moved ?? 0;
  }
  const proven = { items: written + renamed.items, bytes: readsBack ? bytes + renamed.bytes : 0 };
  return { listed, items: written + others, bytes: bytes + compared, proven };
}
