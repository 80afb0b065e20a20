/** Traits of proving what a container holds: readBack, sizes, scan. */
import { expect } from 'vitest';
import { digestMail } from '../../connectors/kinds/mail.js';
import { all, apply, create, dateOf, entries, flagsOf, never, refOf, written } from './collect.js';
import type { TargetWorld } from './mail-worlds.js';
import { large, plain } from './odd-messages.js';
import type { Trait } from './trait.js';
import { offered } from './trait.js';

const PATH = ['Work'];

async function writeSome(world: TargetWorld, count: number) {
  const target = world.open();
  const container = await target.ensure({ path: PATH }, never);
  const refs: string[] = [];
  for (let n = 0; n < count; n++) {
    const anchor = await target.anchor(container, never);
    const answers = await apply(target, container, [create(`t${n}`, plain(n))]);
    refs.push(await refOf(target, container, written(answers, `t${n}`), digestMail(plain(n)), anchor));
  }
  return { target, container, refs };
}

export const evidence = {
  'reads back what was written': async (world) => {
    const { container, refs } = await writeSome(world, 5);
    const back = await all(world.open().readBack(container, refs, never));
    const digests = new Map(back.map((one) => [one.ref, one.digest]));
    expect(digests).toEqual(new Map(refs.map((ref, n) => [ref, digestMail(plain(n))])));
  },
  'leaves out of readBack what is not there': async (world) => {
    const { target, container, refs } = await writeSome(world, 3);
    written(await apply(target, container, [{ op: 'remove', token: 'r', ref: refs[1] ?? '' }]), 'r');
    const back = await all(world.open().readBack(container, refs, never));
    expect(back.map((one) => one.ref).sort()).toEqual([refs[0], refs[2]].sort());
  },
  'leaves out of readBack a reference nobody made': async (world) => {
    const { target, container, refs } = await writeSome(world, 1);
    const back = await all(target.readBack(container, [...refs, '99999999'], never));
    expect(back.map((one) => one.ref)).toEqual(refs);
  },
  'tells flags and dates in readBack': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    const anchor = await target.anchor(container, never);
    const date = '2019-03-01T10:22:03+00:00';
    const answers = await apply(target, container, [create('t', plain(1), { flags: ['\\Flagged', '\\Seen'], date })]);
    const ref = await refOf(target, container, written(answers, 't'), digestMail(plain(1)), anchor);
    const [back] = await all(target.readBack(container, [ref], never));
    expect(back && [flagsOf(back), Date.parse(dateOf(back) ?? '')]).toEqual([
      ['\\Flagged', '\\Seen'],
      Date.parse(date),
    ]);
  },
  'tells the size of the content, however its lines are stored': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    const anchor = await target.anchor(container, never);
    const body = large(100_000);
    const answers = await apply(target, container, [create('t', body)]);
    const ref = await refOf(target, container, written(answers, 't'), digestMail(body), anchor);
    const sizes = await all(offered(target.sizes, 'sizes').call(target, container, [ref, '99999999'], never));
    expect(sizes.map((one) => one.ref)).toEqual([ref]);
    expect(sizes[0]?.bytes).toBe(body.length);
  },
  'scans everything, ascending, what others put included': async (world) => {
    await world.put(PATH, { bytes: plain('theirs') });
    const { container, refs } = await writeSome(world, 4);
    const seen = await entries(world.open().scan(container, async () => new Set(), never));
    expect(seen.map((one) => one.ref)).toEqual([...seen.map((one) => one.ref)].sort());
    expect(seen.map((one) => one.digest).sort()).toEqual(
      [0, 1, 2, 3, 'theirs'].map((mark) => digestMail(plain(mark))).sort(),
    );
    expect(seen.map((one) => one.ref)).toEqual(expect.arrayContaining(refs));
  },
  'leaves out of a scan what is to be skipped': async (world) => {
    const { container, refs } = await writeSome(world, 4);
    const seen = await entries(world.open().scan(container, async () => new Set(refs.slice(1, 2)), never));
    expect(seen.map((one) => one.ref)).toEqual([refs[0], refs[2], refs[3]].sort());
  },
  'scans what came since an anchor': async (world) => {
    await writeSome(world, 2);
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    const anchor = await target.anchor(container, never);
    await world.put(PATH, { bytes: plain('theirs') });
    const seen = await entries(world.open().scan(container, async () => new Set(), never, anchor));
    // And more, where the anchor does not tell what came since.
    expect(seen.map((one) => one.digest)).toContain(digestMail(plain('theirs')));
  },
  'tells twins apart in a scan': async (world) => {
    for (let n = 0; n < 3; n++) await world.put(PATH, { bytes: plain('twin') });
    const target = world.open();
    const seen = await entries(target.scan(await target.ensure({ path: PATH }, never), async () => new Set(), never));
    expect([seen.length, new Set(seen.map((one) => one.ref)).size]).toEqual([3, 3]);
    expect(new Set(seen.map((one) => one.digest))).toEqual(new Set([digestMail(plain('twin'))]));
  },
  'scans an empty container as empty': async (world) => {
    const target = world.open();
    expect(
      await entries(target.scan(await target.ensure({ path: PATH }, never), async () => new Set(), never)),
    ).toEqual([]);
  },
  'ends scanning when it is aborted': async (world) => {
    const { target, container } = await writeSome(world, 2);
    await expect(entries(target.scan(container, async () => new Set(), AbortSignal.abort()))).rejects.toThrow();
  },
} as const satisfies Record<string, Trait<TargetWorld>>;
