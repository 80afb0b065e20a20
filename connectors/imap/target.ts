/** An IMAP account as a target. */
import type { Located, Page, Refused, Target, TargetContainer, TargetRef, Write, Written } from '../contract.js';
import { Fault } from '../errors.js';
import type { Mail } from '../kinds/mail.js';
import { LineRate } from '../wire/line-rate.js';
import { moveAll, removeAll, storeFlags } from './amend.js';
import { appendAll } from './append.js';
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
import { describeTarget } from './describe.js';
import { TargetFolders } from './ensure.js';
import { digestPages, listedRows, locateIntents } from './evidence.js';
import { folderStatus } from './folders.js';
import { chunks } from './listing.js';
import { place } from './place.js';
import { roomIn } from './quota.js';
import { asPairs, asText } from './reply.js';
import type { Range } from './search.js';
import { between, takeCensus } from './search.js';
import { uidKey } from './sequence-set.js';
import type { ImapSession } from './session.js';

/** A killed client's MULTIAPPEND of 400 was seen to appear 150 ms after its connection had gone. */
const QUIET_MS = 2_000;
/** With one, the line stands idle for a round trip between chunks; more than three gained nothing on Dovecot. */
const LANES = 3;
const PAGE_ITEMS = 1000;

export function createImapTarget(session: ImapSession): Target<Mail> {
  const folders = new TargetFolders(session);
  const line = new LineRate(QUIET_MS);

  /** The folder selected; `fresh` also takes notice of what arrived since. */
  async function open(container: TargetContainer, signal: AbortSignal, fresh = false): Promise<ImapConnection> {
    const connection = await session.ready(signal);
    const selected = await session.select(connection, container.key, 'write', fresh);
    if (selected.validity === container.validity) return connection;
    throw rebuilt(container);
  }

  /** Runs `steps` with the connection tied to the signal, and nothing given out after it fired. */
  async function* watched<T>(signal: AbortSignal, steps: () => AsyncIterable<T>): AsyncGenerator<T> {
    const unwatch = session.watch(signal);
    try {
      for await (const step of steps()) {
        session.check(signal);
        yield step;
      }
    } finally {
      unwatch();
    }
  }

  async function during<T>(signal: AbortSignal, step: () => Promise<T>): Promise<T> {
    const unwatch = session.watch(signal);
    try {
      return await step();
    } finally {
      unwatch();
    }
  }

  /** Reopened by `fetchBodies` after an ending; only the first time the folder must be looked at anew. */
  function opener(container: TargetContainer, signal: AbortSignal): () => Promise<ImapConnection> {
    let fresh = true;
    return async () => {
      const connection = await open(container, signal, fresh);
      fresh = false;
      return connection;
    };
  }

  async function* write(
    container: TargetContainer,
    writes: readonly Write<Mail>[],
    signal: AbortSignal,
  ): AsyncGenerator<Written | Refused> {
    if (writes.length === 0) return;
    const connection = await open(container, signal);
    if (session.selected?.readOnly) {
      // A folder alone, and what belongs into it: a fault would end the whole account.
      const reason = `folder ${container.path.join('/')} is read-only for this login; give it the right to write there`;
      for (const { token } of writes) yield { refused: token, reason };
      return;
    }
    const creates = writes.filter((one) => one.op === 'create');
    const limit = creates.length > 0 ? await appendLimit(connection, container) : undefined;
    yield* appendAll({ session, connection, container, line, limit }, creates);
    yield* storeFlags(
      session,
      connection,
      writes.filter((one) => one.op === 'meta'),
    );
    yield* moveAll(
      session,
      connection,
      container,
      writes.filter((one) => one.op === 'move'),
    );
    yield* removeAll(
      connection,
      writes.filter((one) => one.op === 'remove'),
    );
  }

  async function* locate(
    ...[container, intents, anchor, known, signal]: Parameters<Target<Mail>['locate']>
  ): AsyncGenerator<Located> {
    let connection: ImapConnection;
    try {
      connection = await open(container, signal, true);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'conflict') throw error;
      for (const { token } of intents) yield { token, found: 'unsure', reason: error.message };
      return;
    }
    const census = await takeCensus(connection, container.path.join('/'));
    const since = { ...census, uids: between(census.uids, Number(anchor), Number.POSITIVE_INFINITY) };
    yield* locateIntents(() => open(container, signal), intents, since, known);
  }

  return {
    quietMs: QUIET_MS,
    // All that is under way fits the window, but for a message that is larger: it goes alone.
    quietFor: (sizes) => line.quietFor(Math.max(0, ...sizes)),
    lanes: session.access.lanes ?? LANES,
    place: (signal) => place(session, signal),
    describe: (signal) => during(signal, async () => describeTarget(await session.ready(signal), session)),
    room: (signal) => during(signal, async () => roomIn(await session.ready(signal))),
    ensure: (wanted, signal) => during(signal, async () => folders.ensure(await session.ready(signal), wanted)),
    standing: ({ key }, signal) =>
      during(signal, async () => {
        const connection = await session.ready(signal);
        // This session may be kept from an earlier run: neither its open folder nor its list of folders is proof of anything.
        await session.leave(connection);
        folders.forget();
        const { validity, messages } = await folderStatus(connection, key);
        return { validity, items: messages };
      }),
    find: (wanted, signal) => during(signal, async () => folders.find(await session.ready(signal), wanted)),
    anchor: (container, signal) =>
      during(signal, async () => {
        const connection = await session.ready(signal);
        // Of a selected folder STATUS need not tell what others put there (RFC 9051, section 6.3.11).
        if (session.selected?.name === container.key) await connection.run({ name: 'NOOP', pieces: ['NOOP'] });
        const status = await folderStatus(connection, container.key);
        if (status.validity !== container.validity) throw rebuilt(container);
        return uidKey(status.uidNext);
      }),
    write: (container, writes, signal) => watched(signal, () => write(container, writes, signal)),
    locate: (...args) => watched(args[4], () => locate(...args)),
    scan: (container, known, signal, since) =>
      watched(signal, async function* (): AsyncGenerator<Page<TargetRef>> {
        const again = opener(container, signal);
        const { uids, short } = await takeCensus(await again(), container.path.join('/'));
        const asked = since === undefined ? uids : between(uids, Number(since), Number.POSITIVE_INFINITY);
        for await (const { found } of digestPages(again, asked, known)) {
          if (found.length > 0) yield { entries: found };
        }
        if (short) throw short;
      }),
    readBack: (container, refs, signal) =>
      watched(signal, async function* (): AsyncGenerator<TargetRef> {
        let hidden: string | undefined;
        for await (const { found, unreadable } of digestPages(opener(container, signal), asRanges(refs))) {
          yield* found;
          hidden ??= unreadable[0]?.reason;
        }
        // It is there, and nobody can say what it is: that is not the same as gone.
        if (hidden !== undefined) throw new Fault('refused', hidden);
      }),
    sizes: (container, refs, signal) =>
      watched(signal, async function* () {
        const connection = await open(container, signal, true);
        for (const chunk of chunks(asRanges(refs), PAGE_ITEMS)) {
          const { rows, named } = await listedRows(connection, chunk);
          for (const { uid, bytes } of rows) if (named.has(uid)) yield { ref: uidKey(uid), bytes };
        }
      }),
    close: () => session.close(),
  };
}

function asRanges(refs: readonly string[]): Range[] {
  return refs
    .map(Number)
    .sort((a, b) => a - b)
    .map((uid) => [uid, uid]);
}

/** Bytes, or undefined where the server does not tell (RFC 7889). */
async function appendLimit(connection: ImapConnection, container: TargetContainer): Promise<number | undefined> {
  const general = connection.capabilityValue('APPENDLIMIT');
  if (general !== undefined) return Number(general);
  if (!connection.has('APPENDLIMIT')) return undefined;
  let limit: number | undefined;
  await connection.run({
    name: 'STATUS',
    pieces: ['STATUS ', astring(container.key), ' (APPENDLIMIT)'],
    onReply(reply) {
      if (reply.kind !== 'data' || reply.name !== 'STATUS') return;
      const value = asPairs(reply.values[1]).get('APPENDLIMIT');
      if (value !== undefined && value !== null) limit = Number(asText(value));
    },
  });
  return limit;
}

function rebuilt(container: TargetContainer): Fault {
  return new Fault('conflict', `folder ${container.path.join('/')} was rebuilt: its UIDVALIDITY changed`, {
    next: 'open the folder again',
  });
}
