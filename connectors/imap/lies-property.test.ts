/** Whatever a server leaves out, splits, reorders or doubles: nothing is said to be complete that is not. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { all, never } from '../../tests/conformance/collect.js';
import { openSource, openTarget } from '../../tests/servers/imap-account.js';
import type { Lies, Told } from '../../tests/servers/lying-imap.js';
import { folderOf, inOneReply, message, startLyingImap } from '../../tests/servers/lying-imap.js';
import type { ItemRef } from '../contract.js';
import { Fault } from '../errors.js';

const MESSAGES = 6;
const RUNS = { numRuns: 60 };

/** How one message is described; by how often it was asked for. */
const DESCRIBED: Readonly<Record<string, (told: Told) => readonly string[]>> = {
  whole: (told) => [inOneReply(told)],
  left: () => [],
  split: ({ number, uid, flags, date, size }) => [
    `* ${number} FETCH (RFC822.SIZE ${size} UID ${uid})`,
    `* ${number} FETCH (UID ${uid} INTERNALDATE ${date} FLAGS (${flags}))`,
  ],
  twice: (told) => [inOneReply(told), inOneReply(told)],
  garbled: ({ number, uid }) => [`* ${number} FETCH (UID ${uid} FLAGS ((`],
  sizeless: (told) => [inOneReply(told).replace(/ RFC822.SIZE \d+/, '')],
  flagless: ({ number, uid, size }) => [`* ${number} FETCH (UID ${uid} RFC822.SIZE ${size})`],
};

const BODIES: Readonly<Record<string, (bytes: Buffer) => Buffer | string | undefined>> = {
  whole: (bytes) => bytes,
  left: () => undefined,
  empty: () => '""',
  nil: () => 'NIL',
  garbled: () => '(a',
  cut: (bytes) => bytes.subarray(0, 90),
  lines: (bytes) => bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 4),
};

/** What is answered the first time, the second, and from then on. */
const times = (ways: object) =>
  fc.tuple(
    ...Array(3).fill(fc.oneof({ weight: 4, arbitrary: fc.constant('whole') }, fc.constantFrom(...Object.keys(ways)))),
  );
const at = (answers: readonly string[], time: number): string => answers[Math.min(time, answers.length) - 1] as string;

const lies = fc
  .record({
    described: fc.array(times(DESCRIBED), { minLength: MESSAGES, maxLength: MESSAGES }),
    bodies: fc.array(times(BODIES), { minLength: MESSAGES, maxLength: MESSAGES }),
    /** UIDs that SEARCH leaves out the first times. */
    unnamed: fc.array(fc.subarray([1, 2, 3, 4, 5, 6]), { maxLength: 4 }),
    order: fc.constantFrom('as it is', 'turned', 'doubled'),
    extended: fc.boolean(),
  })
  .map(({ described, bodies, unnamed, order, extended }) => {
    const told: Lies = {
      describe: (one, time) => DESCRIBED[at(described[one.uid - 1] as string[], time)]?.(one) ?? [],
      body: ({ uid, bytes: all }, time) => BODIES[at(bodies[uid - 1] as string[], time)]?.(all),
      search: (uids, time) => uids.filter((uid) => !unnamed[time - 1]?.includes(uid)),
      arrange: (replies) =>
        order === 'as it is' ? replies : order === 'turned' ? [...replies].reverse() : [...replies, ...replies],
    };
    return { told, extended };
  });

async function withServer<T>(
  { told, extended }: { told: Lies; extended: boolean },
  use: (server: { host: string; port: number }) => Promise<T>,
): Promise<T> {
  const folders = { INBOX: folderOf(MESSAGES, told) };
  const server = await startLyingImap({ folders, capabilities: extended ? 'ESEARCH' : '' });
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

const container = { key: 'INBOX', path: ['INBOX'], validity: '7', created: false, items: MESSAGES };
const uids = Array.from({ length: MESSAGES }, (_, n) => n + 1);

function refusedOf(error: unknown): Fault {
  if (error instanceof Fault && error.code === 'refused') return error;
  throw error;
}

describe('a source that lies', () => {
  it('lists each message or fails; each that is listed is given as it is, or refused, or noted', async () => {
    await fc.assert(
      fc.asyncProperty(lies, (world) =>
        withServer(world, async (server) => {
          const source = openSource(server, 'anna');
          const items: ItemRef[] = [];
          let failure: Fault | undefined;
          try {
            for await (const { entries } of source.list(container, undefined, never)) items.push(...entries);
          } catch (error) {
            failure = refusedOf(error);
          }
          const listed = items.map(({ key }) => Number(key));
          if (new Set(listed).size !== listed.length) throw new Error(`listed twice: ${listed}`);
          if (!failure && listed.length !== MESSAGES) throw new Error(`called complete: ${listed}`);
          for (const { version, meta, bytes, key } of items) {
            const whole = JSON.stringify(meta?.flags) === '["\\\\Seen"]';
            if (version !== '' && !(whole && [0, message(Number(key)).length].includes(bytes ?? 0)))
              throw new Error(`described wrongly: ${key} ${JSON.stringify(meta)}`);
          }
          const answers = await all(source.read(container, items, never));
          for (const [n, answer] of answers.entries()) {
            if ('refused' in answer) continue;
            const uid = listed[n] as number;
            // Where nothing tells a size, a body cannot be measured by it.
            if ((items[n]?.bytes === 0 && answer.body.length > 90) || answer.notes) continue;
            if (!answer.body.equals(message(uid))) throw new Error(`given wrongly: ${uid} ${answer.body}`);
          }
          if (answers.length !== items.length) throw new Error('not every item was answered');
          source.close();
        }),
      ),
      RUNS,
    );
  });
});

describe('a target that lies', () => {
  it('scans and proves each message, or says that it cannot', async () => {
    await fc.assert(
      fc.asyncProperty(lies, (world) =>
        withServer(world, async (server) => {
          const target = openTarget(server, 'anna');
          const proven: number[] = [];
          let failure: Fault | undefined;
          try {
            const refs = uids.map((uid) => String(uid).padStart(10, '0'));
            for await (const { ref } of target.readBack(container, refs, never)) proven.push(Number(ref));
          } catch (error) {
            failure = refusedOf(error);
          }
          if (!failure && proven.length !== MESSAGES) throw new Error(`called gone: only ${proven} are there`);
          target.close();
        }),
      ),
      RUNS,
    );
  });
});
