/** Traits of finding out, after a crash, what became of writes whose answers were lost. */
import { expect } from 'vitest';
import type { Intent, Known, Located, TargetContainer, Write } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { digestMail } from '../../connectors/kinds/mail.js';
import { all, apply, create, never, refOf, written } from './collect.js';
import type { TargetWorld } from './mail-worlds.js';
import { odd, plain } from './odd-messages.js';
import type { Trait } from './trait.js';

const PATH = ['Work'];

function intent(token: string, body: Buffer): Intent {
  return { token, digest: digestMail(body) };
}

/** Writes, and forgets the answers with the session, as a crash does. */
async function writeAndForget(
  world: TargetWorld,
  writes: readonly Write<Mail>[],
): Promise<{ container: TargetContainer; anchor: string }> {
  const target = world.open();
  const container = await target.ensure({ path: PATH }, never);
  const anchor = await target.anchor(container, never);
  await apply(target, container, writes);
  target.close();
  return { container, anchor };
}

async function locate(
  world: TargetWorld,
  container: TargetContainer,
  intents: readonly Intent[],
  anchor: string,
  known: Known = async () => new Set(),
): Promise<Map<string, Located>> {
  const target = world.open();
  const again = await target.ensure({ path: PATH }, never);
  expect(again.validity).toBe(container.validity);
  const found = await all(target.locate(again, intents, anchor, known, never));
  expect(found.map((one) => one.token).sort()).toEqual(intents.map((one) => one.token).sort());
  return new Map(found.map((one) => [one.token, one]));
}

function outcomes(found: Map<string, Located>): string[] {
  return [...found.values()].map((one) => one.found).sort();
}

export const locating = {
  'locates what landed and what did not': async (world) => {
    const { container, anchor } = await writeAndForget(world, [create('a', plain('a')), create('b', plain('b'))]);
    const found = await locate(
      world,
      container,
      [intent('a', plain('a')), intent('never', plain('never')), intent('b', plain('b'))],
      anchor,
    );
    expect([found.get('a')?.found, found.get('never')?.found, found.get('b')?.found]).toEqual([
      'landed',
      'absent',
      'landed',
    ]);
  },
  'locates with a reference that can be read back': async (world) => {
    const { container, anchor } = await writeAndForget(world, [create('a', plain('a')), create('b', plain('b'))]);
    const b = (await locate(world, container, [intent('b', plain('b'))], anchor)).get('b');
    const ref = b?.found === 'landed' ? b.ref : '';
    const [back] = await all(world.open().readBack(container, [ref], never));
    expect([back?.ref, back?.digest]).toEqual([ref, digestMail(plain('b'))]);
  },
  'locates nothing when nothing was written': async (world) => {
    const { container, anchor } = await writeAndForget(world, []);
    const found = await locate(world, container, [intent('a', plain('a'))], anchor);
    expect(outcomes(found)).toEqual(['absent']);
  },
  'does not take what was there before the anchor': async (world) => {
    await world.put(PATH, { bytes: plain('twin') });
    const { container, anchor } = await writeAndForget(world, []);
    expect(outcomes(await locate(world, container, [intent('a', plain('twin'))], anchor))).toEqual(['absent']);
  },
  'does not take what is known to belong to another item': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    const anchor = await target.anchor(container, never);
    const answer = written(await apply(target, container, [create('settled', plain('twin'))]), 'settled');
    const ref = await refOf(target, container, answer, digestMail(plain('twin')), anchor);
    target.close();
    const found = await locate(world, container, [intent('lost', plain('twin'))], anchor, async () => new Set([ref]));
    expect(outcomes(found)).toEqual(['absent']);
  },
  'locates identical twins by their count': async (world) => {
    const twins = ['a', 'b', 'c'].map((token) => create(token, plain('twin')));
    const { container, anchor } = await writeAndForget(world, twins.slice(0, 2));
    const found = await locate(
      world,
      container,
      ['a', 'b', 'c'].map((token) => intent(token, plain('twin'))),
      anchor,
    );
    expect(outcomes(found)).toEqual(['absent', 'landed', 'landed']);
    const refs = [...found.values()]
      .map((one) => (one.found === 'landed' ? one.ref : undefined))
      .filter((ref) => ref !== undefined);
    expect(new Set(refs).size).toBe(2);
  },
  'locates among messages that others put meanwhile': async (world) => {
    const { container, anchor } = await writeAndForget(world, [create('a', plain('a'))]);
    await world.put(PATH, { bytes: plain('theirs') });
    const found = await locate(world, container, [intent('a', plain('a')), intent('b', plain('b'))], anchor);
    expect([found.get('a')?.found, found.get('b')?.found]).toEqual(['landed', 'absent']);
  },
  'locates odd messages': async (world) => {
    const bodies = [odd.nul, odd.bareLf, odd.noFinalNewline, odd.fromLines, odd.eightBitHeader];
    const { container, anchor } = await writeAndForget(
      world,
      bodies.map((body, n) => create(`t${n}`, body)),
    );
    const found = await locate(
      world,
      container,
      bodies.map((body, n) => intent(`t${n}`, body)),
      anchor,
    );
    expect(outcomes(found)).toEqual(bodies.map(() => 'landed'));
  },
  'locates again with the same answer': async (world) => {
    const { container, anchor } = await writeAndForget(world, [create('a', plain('a'))]);
    const intents = [intent('a', plain('a')), intent('b', plain('b'))];
    const first = await locate(world, container, intents, anchor);
    expect(await locate(world, container, intents, anchor)).toEqual(first);
  },
  'writes what was absent, once': async (world) => {
    const { container, anchor } = await writeAndForget(world, [create('a', plain('a'))]);
    const intents = [intent('a', plain('a')), intent('b', plain('b'))];
    const found = await locate(world, container, intents, anchor);
    const absent = ['a', 'b'].filter((token) => found.get(token)?.found === 'absent');
    const target = world.open();
    await apply(
      target,
      await target.ensure({ path: PATH }, never),
      absent.map((token) => create(token, plain(token))),
    );
    expect((await world.messages(PATH)).map((one) => digestMail(one.bytes)).sort()).toEqual(
      [digestMail(plain('a')), digestMail(plain('b'))].sort(),
    );
  },
  'tells flags of what it located': async (world) => {
    const { container, anchor } = await writeAndForget(world, [create('a', plain('a'), { flags: ['\\Seen'] })]);
    const a = (await locate(world, container, [intent('a', plain('a'))], anchor)).get('a');
    expect(a?.found === 'landed' && a.meta.flags).toEqual(['\\Seen']);
  },
} as const satisfies Record<string, Trait<TargetWorld>>;
