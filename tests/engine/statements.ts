/** A ledger that remembers what it is asked: what a step costs is told by its statements, and not by a clock. */
import type pg from 'pg';
import type { Ledger } from '../../ledger/ledger.js';

export interface Listening {
  readonly ledger: Ledger;
  /** The statements since the last call, in their order. */
  take(): readonly string[];
}

export function listenTo(ledger: Ledger): Listening {
  let heard: string[] = [];
  const listening = <Q extends pg.Pool | pg.PoolClient>(queried: Q): Q =>
    new Proxy(queried, {
      get(real, name) {
        const member: unknown = Reflect.get(real, name);
        if (typeof member !== 'function') return member;
        if (name !== 'query') return member.bind(real);
        return (...asked: [string | { readonly text: string }, ...unknown[]]): unknown => {
          const [what] = asked;
          heard.push(typeof what === 'string' ? what : what.text);
          return (member as (...all: unknown[]) => unknown).apply(real, asked);
        };
      },
    });
  return {
    ledger: {
      ...ledger,
      pool: listening(ledger.pool),
      renewals: listening(ledger.renewals),
      transaction: (work) => {
        heard.push('begin', 'commit');
        return ledger.transaction((sql) => work(listening(sql)));
      },
    },
    take() {
      const all = heard;
      heard = [];
      return all;
    },
  };
}
