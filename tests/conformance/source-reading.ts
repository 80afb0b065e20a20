/** Traits of reading content. */
import { expect } from 'vitest';
import type { Body, Refused } from '../../connectors/contract.js';
import { digestMail } from '../../connectors/kinds/mail.js';
import { all, bodyOf, containerAt, entries, flagsOf, itemsAt, never, toldAt } from './collect.js';
import type { SourceWorld } from './mail-worlds.js';
import { large, odd, plain } from './odd-messages.js';
import type { Trait } from './trait.js';
import { offered } from './trait.js';

async function readOnly(world: SourceWorld, bytes: Buffer): Promise<{ body: Buffer; listedBytes: number | undefined }> {
  await world.put(['INBOX'], { bytes });
  const source = world.open();
  const items = await itemsAt(source, ['INBOX']);
  expect(items.length).toBe(1);
  const answers = await all(source.read(await containerAt(source, ['INBOX']), items, never));
  expect(answers.length).toBe(1);
  return { body: bodyOf(answers[0]), listedBytes: items[0]?.bytes };
}

/** Between plain neighbours, so that a message that is cut wrongly shows in them too. */
function unchanged(bytes: Buffer): Trait<SourceWorld> {
  return async (world) => {
    await world.put(['INBOX'], { bytes: plain('before') });
    const key = await world.put(['INBOX'], { bytes });
    await world.put(['INBOX'], { bytes: plain('after') });
    const source = world.open();
    const items = await itemsAt(source, ['INBOX']);
    const bodies = await all(source.read(await containerAt(source, ['INBOX']), items, never));
    const digests = new Map(bodies.map((one) => ['key' in one ? one.key : one.refused, digestMail(bodyOf(one))]));
    expect(digests.get(key)).toBe(digestMail(bytes));
    expect([...digests.values()].sort()).toEqual(
      [bytes, plain('before'), plain('after')].map((one) => digestMail(one)).sort(),
    );
  };
}

export const reading = {
  'reads well-formed bytes exactly': async (world) => {
    const { body } = await readOnly(world, plain('exact'));
    expect(body.toString('latin1')).toBe(plain('exact').toString('latin1'));
  },
  'lists about the size it reads, where it lists one': async (world) => {
    const { body, listedBytes } = await readOnly(world, large(100_000));
    if (listedBytes === undefined) return;
    expect(Math.abs(listedBytes - body.length)).toBeLessThan(body.length * 0.05);
  },
  'reads in the order asked': async (world) => {
    for (let n = 0; n < 9; n++) await world.put(['INBOX'], { bytes: plain(n) });
    const source = world.open();
    const items = await itemsAt(source, ['INBOX']);
    const asked = [5, 2, 8, 0, 7].map((n) => items[n]).filter((item) => item !== undefined);
    const answers = await all(source.read(await containerAt(source, ['INBOX']), asked, never));
    expect(answers.map((one) => ('key' in one ? one.key : one.refused))).toEqual(asked.map((item) => item.key));
  },
  'reads 200 items in one call': async (world) => {
    const put = new Map<string, string>();
    for (let n = 0; n < 200; n++) put.set(await world.put(['INBOX'], { bytes: plain(n) }), digestMail(plain(n)));
    const source = world.open();
    const items = await itemsAt(source, ['INBOX']);
    const got = new Map<string, string>();
    for await (const one of source.read(await containerAt(source, ['INBOX']), items, never)) {
      if ('key' in one) got.set(one.key, digestMail(one.body));
    }
    expect(got).toEqual(put);
  },
  'refuses a vanished item and still reads its neighbours': async (world) => {
    const remove = offered(world.remove, 'removing').bind(world);
    for (let n = 0; n < 3; n++) await world.put(['INBOX'], { bytes: plain(n) });
    const source = world.open();
    const container = await containerAt(source, ['INBOX']);
    const items = await entries(source.list(container, undefined, never));
    const gone = items[1]?.key ?? '';
    await remove(['INBOX'], gone);
    const answers: (Body<Buffer> | Refused)[] = await all(source.read(container, items, never));
    expect(answers.map((one) => ('key' in one ? one.key : { refused: one.refused }))).toEqual([
      items[0]?.key,
      { refused: gone },
      items[2]?.key,
    ]);
  },
  'reads nothing when nothing is asked': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const source = world.open();
    expect(await all(source.read(await containerAt(source, ['INBOX']), [], never))).toEqual([]);
  },
  'does not alter what it reads': async (world) => {
    for (let n = 0; n < 3; n++) await world.put(['INBOX'], { bytes: plain(n) });
    const one = world.open();
    const before = await toldAt(one, ['INBOX']);
    await all(one.read(await containerAt(one, ['INBOX']), before, never));
    one.close();
    const after = await toldAt(world.open(), ['INBOX']);
    expect(after).toEqual(before);
    expect(after.flatMap(flagsOf)).toEqual([]);
  },
  'reads the same twice, and exact duplicates as two': async (world) => {
    for (let n = 0; n < 2; n++) await world.put(['INBOX'], { bytes: plain('twin') });
    const source = world.open();
    const items = await itemsAt(source, ['INBOX']);
    expect(items.length).toBe(2);
    const container = await containerAt(source, ['INBOX']);
    const first = await all(source.read(container, items, never));
    expect(await all(source.read(container, items, never))).toEqual(first);
    expect(first.map((one) => digestMail(bodyOf(one)))).toEqual(Array(2).fill(digestMail(plain('twin'))));
  },
  'ends reading when it is aborted': async (world) => {
    for (let n = 0; n < 50; n++) await world.put(['INBOX'], { bytes: plain(n) });
    const source = world.open();
    const container = await containerAt(source, ['INBOX']);
    const items = await itemsAt(source, ['INBOX']);
    const stop = new AbortController();
    const interrupted = async () => {
      for await (const _ of source.read(container, items, stop.signal)) stop.abort();
    };
    await expect(interrupted()).rejects.toThrow();
  },
  'reads 8-bit headers': unchanged(odd.eightBitHeader),
  'reads 8-bit bodies': unchanged(odd.eightBitBody),
  'reads every byte but NUL': unchanged(odd.allBytes),
  'reads NUL': unchanged(odd.nul),
  'reads bare line feeds': unchanged(odd.bareLf),
  'reads nothing but line feeds': unchanged(odd.onlyLf),
  'reads lone carriage returns': unchanged(odd.loneCr),
  'reads a missing final newline': unchanged(odd.noFinalNewline),
  'reads a carriage return at the end': unchanged(odd.endsInCr),
  'reads blank lines at the end': unchanged(odd.blankLinesAtEnd),
  'reads headers without a body': unchanged(odd.headersOnly),
  'reads lines that begin with From': unchanged(odd.fromLines),
  'reads a message that begins like an mbox': unchanged(odd.fromFirst),
  'reads lines of dots': unchanged(odd.dots),
  'reads a very long line': unchanged(odd.longLine),
  'reads a very long header': unchanged(odd.longHeader),
  'reads a message without headers': unchanged(odd.noHeaders),
  'reads headers that are none': unchanged(odd.notHeaders),
  'reads broken folding': unchanged(odd.brokenFolding),
  'reads headers that mailbox formats use': unchanged(odd.statusHeaders),
  'reads an empty message': unchanged(Buffer.alloc(0)),
  'reads 100 KB': unchanged(large(100_000)),
  'reads 5 MB': unchanged(large(5_000_000)),
} as const satisfies Record<string, Trait<SourceWorld>>;
