/** Whose fault it is: the engine blocks, gates and reports by side. */
import { Fault } from '../../connectors/errors.js';

export type Side = 'source' | 'target';

type Method = (...args: unknown[]) => unknown;

/**
 * The session itself, but that every fault it throws names its side: whatever is called, on the session or on an
 * object it offers (`uploads`), and wherever in a stream the fault comes. A fault that has a side already keeps it: a
 * target that is sent a stream of the source's throws what that stream threw.
 */
export function ofSide<S extends object>(session: S, side: Side): S {
  const wrapped = new WeakMap<object, object>();
  const wrap = (member: object): object =>
    // A method is called on the session itself, not on the proxy: its private members are there only.
    isMethod(member) ? (...args: unknown[]) => called(member, session, args, side) : ofSide(member, side);
  return new Proxy(session, {
    get(of, name) {
      const member: unknown = Reflect.get(of, name);
      if (!isObject(member) || !(isMethod(member) || hasMethods(member))) return member;
      const known = wrapped.get(member) ?? wrap(member);
      wrapped.set(member, known);
      return known;
    },
  });
}

function isObject(member: unknown): member is object {
  return (typeof member === 'object' && member !== null) || typeof member === 'function';
}

function isMethod(member: object): member is Method {
  return typeof member === 'function';
}

/** Plain data (the rules of names, a list) is handed out as it is: it throws nothing, and is looked at for each item. */
function hasMethods(member: object): boolean {
  if (Array.isArray(member)) return false;
  const proto = Object.getPrototypeOf(member);
  if (proto !== Object.prototype && proto !== null) return true;
  return Object.values(member).some((value) => typeof value === 'function');
}

function called(method: Method, session: object, args: unknown[], side: Side): unknown {
  let answer: unknown;
  try {
    answer = method.apply(session, args);
  } catch (error) {
    throw blamed(error, side);
  }
  if (answer instanceof Promise) {
    return answer.catch((error) => {
      throw blamed(error, side);
    });
  }
  if (isObject(answer) && Symbol.asyncIterator in answer) return stream(answer as AsyncIterable<unknown>, side);
  return answer;
}

/**
 * The stream with its own promises: the fault gets its side before whoever waits for the value sees it, for handlers
 * run in the order in which they were added. So a chunk waits for nothing that it would not have waited for.
 */
function stream<T>(values: AsyncIterable<T>, side: Side): AsyncIterable<T> {
  const watched = <R>(step: Promise<R>): Promise<R> => {
    step.then(undefined, (error) => blamed(error, side));
    return step;
  };
  return {
    [Symbol.asyncIterator]() {
      const iterator = values[Symbol.asyncIterator]();
      const close = iterator.return?.bind(iterator);
      return {
        next: () => watched(iterator.next()),
        ...(close && { return: (value?: unknown) => watched(close(value)) }),
      };
    },
  };
}

function blamed(error: unknown, side: Side): unknown {
  if (error instanceof Fault) error.side ??= side;
  return error;
}
