import { expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { ofSide } from './sides.js';

const throttled = (side?: 'source' | 'target'): Fault => new Fault('throttled', 'slow down', side && { side });

/** A connector's session as they are written: private members, getters, streams, and an object of further calls. */
class Session {
  readonly quietMs = 150;
  readonly #log: string[] = [];
  fault: Fault | undefined;

  get names() {
    return { forbidden: ':', reserved: ['CON'] };
  }
  get log(): readonly string[] {
    return this.#log;
  }
  fit(body: string): string {
    this.#note('fit');
    return body.toUpperCase();
  }
  async place(): Promise<string> {
    this.#note('place');
    return 'memory://anna';
  }
  async *list(count: number): AsyncGenerator<number> {
    try {
      for (let n = 1; n <= count; n++) yield n;
      this.#note('listed');
    } finally {
      this.#log.push('closed');
    }
  }
  readonly uploads = {
    anyOrder: true,
    send: async (content: AsyncIterable<number>): Promise<number> => {
      let sum = 0;
      for await (const n of content) sum += n;
      return sum;
    },
  };

  #note(what: string): void {
    this.#log.push(what);
    if (this.fault) throw this.fault;
  }
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const value of values) taken.push(value);
  return taken;
}

function failing(): Session {
  const session = new Session();
  session.fault = throttled();
  return ofSide(session, 'target');
}

it('answers what the session answers: values, getters, data, methods and streams', async () => {
  const session = ofSide(new Session(), 'source');

  expect(session.quietMs).toBe(150);
  expect(session.names).toEqual({ forbidden: ':', reserved: ['CON'] });
  expect(session.uploads.anyOrder).toBe(true);
  expect(session.fit('a')).toBe('A');
  expect(await session.place()).toBe('memory://anna');
  expect(await all(session.list(3))).toEqual([1, 2, 3]);
  expect('checksums' in session).toBe(false);
});

it('names the side of what is thrown at once, in a promise, and in the middle of a stream', async () => {
  const session = failing();

  expect(() => session.fit('a')).toThrowError(expect.objectContaining({ side: 'target' }));
  await expect(failing().place()).rejects.toMatchObject({ side: 'target' });
  await expect(all(failing().list(2))).rejects.toMatchObject({ side: 'target' });
});

it('leaves the side to a fault that has one: what a target is sent comes from the source', async () => {
  const source = ofSide(new Session(), 'source');
  source.fault = throttled();
  const target = ofSide(new Session(), 'target');

  await expect(target.uploads.send(source.list(2))).rejects.toMatchObject({ side: 'source' });
});

it('leaves other errors as they are', async () => {
  const session = ofSide({ place: () => Promise.reject(new TypeError('a slip')) }, 'source');

  await expect(session.place()).rejects.toEqual(new TypeError('a slip'));
});

it('ends a stream that is left early', async () => {
  const session = ofSide(new Session(), 'source');

  for await (const n of session.list(9)) if (n === 2) break;

  expect(session.log).toEqual(['closed']);
});

it('runs a method that was taken off the session, and sees one that was put there later', async () => {
  const session = ofSide(new Session(), 'source');
  const { list } = session;
  session.place = async () => 'elsewhere';

  expect(await all(list(1))).toEqual([1]);
  expect(await session.place()).toBe('elsewhere');
});

it('hands on the values of a stream in the turn in which they come', async () => {
  const turns = async (values: AsyncIterable<unknown>): Promise<number> => {
    let turn = 0;
    let over = false;
    const count = (): void => {
      turn++;
      if (!over) queueMicrotask(count);
    };
    queueMicrotask(count);
    await all(values);
    over = true;
    return turn;
  };
  const plain = await turns(new Session().list(1_000));

  expect(await turns(ofSide(new Session(), 'source').list(1_000))).toBe(plain);
});
