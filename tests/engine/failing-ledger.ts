/** A ledger that is killed in the middle of removing something. */
import type { Deps } from '../../engine/deps.js';

/** These, with a ledger that fails at its nth statement that removes something. */
export function failing<T extends Pick<Deps, 'ledger'>>(deps: T, nth: number): T {
  let removals = 0;
  const guard = <S extends object>(sql: S): S =>
    new Proxy(sql, {
      get(of, name) {
        const value = Reflect.get(of, name);
        if (name !== 'query') return typeof value === 'function' ? value.bind(of) : value;
        return async (...args: unknown[]) => {
          const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text;
          if (REMOVES.test(text) && ++removals === nth) throw new Error('killed');
          return Reflect.apply(value as (...given: unknown[]) => unknown, of, args);
        };
      },
    });
  const { ledger } = deps;
  return {
    ...deps,
    ledger: {
      ...ledger,
      pool: guard(ledger.pool),
      transaction: (work) => ledger.transaction((sql) => work(guard(sql))),
    },
  };
}

const REMOVES = /^\s*delete|\(delete from|^\s*update spec|update run set pruned_at/;
