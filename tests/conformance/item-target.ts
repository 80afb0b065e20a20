/** What every target of calendars and contacts must do, whatever the system. */
import { expect } from 'vitest';
import type { Source, Target, TargetContainer, TargetRef, Write } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { all, apply, entries, never, written } from './collect.js';
import type { ItemKind, Others } from './items.js';
import { containerIn, creating, digestOf, samples, updating } from './items.js';
import type { Suite, Trait } from './trait.js';
import { offered, runTraits } from './trait.js';

export interface ItemTargetWorld extends Others {
  open(): Target<Buffer>;
  /** The same account as a source; closed by whoever opens it. */
  source?(): Source<Buffer>;
}

const PATH = ['Work'];
const ZONE = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'PRODID:-//Odd//EN',
  'BEGIN:VTIMEZONE',
  'TZID:Zone/Odd',
  'BEGIN:STANDARD',
  'DTSTART:19700101T000000',
  'TZOFFSETFROM:+0145',
  'TZOFFSETTO:+0145',
  'END:STANDARD',
  'END:VTIMEZONE',
  'END:VCALENDAR',
  '',
].join('\r\n');

interface Ready {
  readonly target: Target<Buffer>;
  readonly container: TargetContainer;
}

async function ready(world: ItemTargetWorld): Promise<Ready> {
  const target = world.open();
  await target.place(never);
  return { target, container: await target.ensure({ path: PATH }, never) };
}

async function one(world: ItemTargetWorld, n = 1): Promise<Ready & { ref: string; now: TargetRef }> {
  const { target, container } = await ready(world);
  const answers = await apply(target, container, [creating(world.kind, 't', samples[world.kind].plain(n))]);
  const ref = offered(written(answers, 't').ref, 'references of what it wrote');
  return { target, container, ref, now: await copyOf(target, container, ref) };
}

async function copyOf(target: Target<Buffer>, container: TargetContainer, ref: string): Promise<TargetRef> {
  const [copy] = await all(target.readBack(container, [ref], never));
  if (!copy) throw new Error(`there is no copy ${ref}`);
  return copy;
}

async function storedDigests(world: ItemTargetWorld): Promise<string[]> {
  return (await world.stored(PATH)).map((body) => digestOf(world.kind, body)).sort();
}

function digests(kind: ItemKind, ...bodies: Buffer[]): string[] {
  return bodies.map((body) => digestOf(kind, body)).sort();
}

async function answerTo(ready: Ready, write: Write<Buffer>) {
  return (await apply(ready.target, ready.container, [write])).get(write.token);
}

const traits = {
  'makes a container once, and finds it again by name': async (world) => {
    const { target, container } = await ready(world);
    expect(container).toMatchObject({ created: true, items: 0 });
    const again = await target.ensure({ path: PATH }, never);
    expect(again).toMatchObject({ key: container.key, validity: container.validity, created: false });
    const other = world.open();
    await other.place(never);
    expect(await other.ensure({ path: PATH }, never)).toMatchObject({ key: container.key, created: false, items: 0 });
  },
  'makes one container when two sessions ask at once': async (world) => {
    const sessions = [world.open(), world.open()];
    const made = await Promise.all(
      sessions.map(async (session) => {
        await session.place(never);
        return session.ensure({ path: PATH }, never);
      }),
    );
    expect(made[0]?.key).toBe(made[1]?.key);
    const source = offered(world.source, 'both roles').call(world);
    try {
      expect((await all(source.containers(never))).filter(({ path }) => path.join('/') === 'Work').length).toBe(1);
    } finally {
      source.close();
    }
  },
  'looks for a container without making it': async (world) => {
    const target = world.open();
    await target.place(never);
    const find = offered(target.find, 'looking without making').bind(target);
    expect(await find({ path: PATH }, never)).toBeUndefined();
    expect(await find({ path: PATH }, never)).toBeUndefined();
    const { key } = await target.ensure({ path: PATH }, never);
    expect(await find({ path: PATH }, never)).toMatchObject({ key, created: false });
  },
  'keeps containers apart whose names are odd or alike': async (world) => {
    const target = world.open();
    await target.place(never);
    const names = ['Über & <Söhne> "50%" ?#', 'a b', 'a-b', 'A b', '日本語', 'x'.repeat(100)];
    const keys: string[] = [];
    for (const name of names) keys.push((await target.ensure({ path: [name] }, never)).key);
    expect(new Set(keys).size).toBe(names.length);
    for (const [at, name] of names.entries()) {
      expect((await target.ensure({ path: [name] }, never)).key, name).toBe(keys[at]);
    }
  },
  'tells that a container held something': async (world) => {
    await world.put(PATH, samples[world.kind].plain(1));
    const { container } = await ready(world);
    expect(container.created).toBe(false);
    expect(container.items).toBeGreaterThan(0);
  },
  'is the same place, container, key and version in both roles': async (world) => {
    const { target, container, ref, now } = await one(world);
    const source = offered(world.source, 'both roles').call(world);
    try {
      expect(await source.place(never)).toEqual(await target.place(never));
      const shown = await containerIn(source, PATH);
      expect(shown.key).toBe(container.key);
      expect(shown.validity).toBe(container.validity);
      const [item] = await entries(source.list(shown, undefined, never));
      expect([item?.key, item?.version]).toEqual([ref, now.version]);
    } finally {
      source.close();
    }
  },
  'keeps or notes colour, order and description': async (world) => {
    const target = world.open();
    await target.place(never);
    const properties = { color: '#ff8800', order: 3, description: 'what we do' };
    const { notes } = await target.ensure({ path: PATH, properties }, never);
    const source = offered(world.source, 'both roles').call(world);
    try {
      const kept = (await containerIn(source, PATH)).properties ?? {};
      for (const [name, value] of Object.entries(properties)) {
        const text = String(kept[name] ?? '').toLowerCase();
        if (!text.startsWith(String(value))) expect(notes?.join() ?? '').toContain(name);
      }
    } finally {
      source.close();
    }
  },
  'keeps or notes the time zone and the kinds of entries': async (world) => {
    const target = world.open();
    await target.place(never);
    const properties = { timezone: ZONE, components: ['VTODO'] };
    const { notes } = await target.ensure({ path: PATH, properties }, never);
    const source = offered(world.source, 'both roles').call(world);
    try {
      const kept = (await containerIn(source, PATH)).properties ?? {};
      const told = notes?.join() ?? '';
      // Address books have neither: what is asked for then is no reason to fail, and nothing is lost.
      if (world.kind !== 'calendar') return;
      if (String(kept.components) !== 'VTODO') expect(told).toContain('components');
      if (!kept.timezone?.includes('TZID:Zone/Odd')) expect(told).toContain('timezone');
    } finally {
      source.close();
    }
  },
  'writes items and tells where': async (world) => {
    const { target, container } = await ready(world);
    const bodies = [1, 2, 3].map((n) => samples[world.kind].plain(n));
    const answers = await apply(
      target,
      container,
      bodies.map((body, n) => creating(world.kind, `t${n}`, body)),
    );
    const refs = bodies.map((_, n) => offered(written(answers, `t${n}`).ref, 'references'));
    expect(new Set(refs).size).toBe(3);
    expect(await storedDigests(world)).toEqual(digests(world.kind, ...bodies));
    for (const [n, ref] of refs.entries()) {
      const copy = await copyOf(target, container, ref);
      expect([copy.ref, copy.digest]).toEqual([ref, digestOf(world.kind, bodies[n] as Buffer)]);
      expect(digestOf(world.kind, copy.body as Buffer)).toBe(copy.digest);
      const { version } = written(answers, `t${n}`);
      if (version !== undefined) expect(copy.version).toBe(version);
    }
  },
  'writes 300 items in one batch': async (world) => {
    const { target, container } = await ready(world);
    const bodies = Array.from({ length: 300 }, (_, n) => samples[world.kind].plain(n));
    const answers = await apply(
      target,
      container,
      bodies.map((body, n) => creating(world.kind, `t${n}`, body)),
    );
    for (let n = 0; n < 300; n++) written(answers, `t${n}`);
    expect((await world.stored(PATH)).length).toBe(300);
  },
  'does not write a second item of the same UID': async (world) => {
    const { target, container, ref } = await one(world);
    const answer = await answerTo({ target, container }, creating(world.kind, 'x', samples[world.kind].edited(1)));
    expect(answer).toMatchObject({ conflicted: 'x' });
    if (answer && 'conflicted' in answer && answer.ref !== undefined) expect(answer.ref).toBe(ref);
    expect(await storedDigests(world)).toEqual(digests(world.kind, samples[world.kind].plain(1)));
  },
  'writes an item once when two sessions create it at once': async (world) => {
    const { target, container } = await ready(world);
    const other = world.open();
    await other.place(never);
    const there = await other.ensure({ path: PATH }, never);
    const { plain, edited } = samples[world.kind];
    // What is asked of a server once for all is asked before.
    await apply(target, container, [creating(world.kind, 'first', plain(9))]);
    const answers = await Promise.all([
      apply(target, container, [creating(world.kind, 'a', plain(1))]),
      apply(other, there, [creating(world.kind, 'b', edited(1))]),
    ]);
    const [a, b] = [answers[0].get('a'), answers[1].get('b')];
    const one = a && 'token' in a;
    expect([a, b]).toMatchObject(one ? [{ token: 'a' }, { conflicted: 'b' }] : [{ conflicted: 'a' }, { token: 'b' }]);
    expect(await storedDigests(world)).toEqual(digests(world.kind, plain(9), one ? plain(1) : edited(1)));
  },
  'writes the others of a batch in which one conflicts': async (world) => {
    const { target, container } = await one(world);
    const { plain, edited } = samples[world.kind];
    const answers = await apply(target, container, [
      creating(world.kind, 'a', plain(2)),
      creating(world.kind, 'b', edited(1)),
      creating(world.kind, 'c', plain(3)),
    ]);
    written(answers, 'a');
    written(answers, 'c');
    expect(answers.get('b')).toMatchObject({ conflicted: 'b' });
    expect(await storedDigests(world)).toEqual(digests(world.kind, plain(1), plain(2), plain(3)));
  },
  'replaces a copy that has the version': async (world) => {
    const { target, container, ref, now } = await one(world);
    const body = samples[world.kind].edited(1);
    const answer = await answerTo({ target, container }, updating(world.kind, ref, now.version, body));
    expect(answer).toMatchObject({ token: 'u' });
    const after = await copyOf(target, container, (answer as { ref?: string }).ref ?? ref);
    expect(after.digest).toBe(digestOf(world.kind, body));
    expect(after.version).not.toBe(now.version);
    const told = (answer as { version?: string }).version;
    if (told !== undefined) expect(after.version).toBe(told);
    expect(await storedDigests(world)).toEqual(digests(world.kind, body));
  },
  'leaves a copy that somebody edited': async (world) => {
    const { target, container, ref, now } = await one(world);
    await world.edit(PATH, ref, samples[world.kind].edited(1));
    const answer = await answerTo(
      { target, container },
      updating(world.kind, ref, now.version, samples[world.kind].plain(1)),
    );
    expect(answer).toMatchObject({ conflicted: 'u', ref });
    expect(await storedDigests(world)).toEqual(digests(world.kind, samples[world.kind].edited(1)));
  },
  'does not make anew what is gone': async (world) => {
    const { target, container, ref, now } = await one(world);
    await world.drop(PATH, ref);
    const answer = await answerTo(
      { target, container },
      updating(world.kind, ref, now.version, samples[world.kind].edited(1)),
    );
    expect(answer).toMatchObject({ conflicted: 'u' });
    expect(await world.stored(PATH)).toEqual([]);
  },
  'removes a copy that has the version, and only it': async (world) => {
    const { target, container, ref, now } = await one(world);
    await apply(target, container, [creating(world.kind, 'other', samples[world.kind].plain(2))]);
    const version = now.version as string;
    written(await apply(target, container, [{ op: 'remove', token: 'r', ref, version }]), 'r');
    expect(await storedDigests(world)).toEqual(digests(world.kind, samples[world.kind].plain(2)));
    expect(await all(target.readBack(container, [ref], never))).toEqual([]);
  },
  'does not remove a copy that somebody edited': async (world) => {
    const { target, container, ref, now } = await one(world);
    await world.edit(PATH, ref, samples[world.kind].edited(1));
    const answers = await apply(target, container, [{ op: 'remove', token: 'r', ref, version: now.version as string }]);
    expect(answers.get('r')).toMatchObject({ conflicted: 'r' });
    expect((await world.stored(PATH)).length).toBe(1);
  },
  'has removed what is gone': async (world) => {
    const { target, container, ref, now } = await one(world);
    await world.drop(PATH, ref);
    written(await apply(target, container, [{ op: 'remove', token: 'r', ref, version: now.version as string }]), 'r');
    written(await apply(target, container, [{ op: 'remove', token: 's', ref, version: '' }]), 's');
  },
  'finds what landed, and nothing else': async (world) => {
    const { target, container } = await ready(world);
    const anchor = await target.anchor(container, never);
    const { plain } = samples[world.kind];
    const answers = await apply(target, container, [
      creating(world.kind, 'a', plain(1)),
      creating(world.kind, 'b', plain(2)),
    ]);
    const [a, b] = ['a', 'b'].map((token) => written(answers, token).ref as string);
    const intents = [1, 2, 3].map((n) => ({ token: `i${n}`, digest: digestOf(world.kind, plain(n)) }));
    const located = await all(target.locate(container, intents, anchor, async () => new Set([b as string]), never));
    expect(located.map((l) => [l.token, l.found])).toEqual([
      ['i1', 'landed'],
      ['i2', 'absent'],
      ['i3', 'absent'],
    ]);
    expect(located[0]).toMatchObject({ ref: a });
  },
  'scans what is not known already': async (world) => {
    const { target, container } = await ready(world);
    const { plain } = samples[world.kind];
    const names = [await world.put(PATH, plain(1)), await world.put(PATH, plain(2)), await world.put(PATH, plain(3))];
    const found = await entries(target.scan(container, async () => new Set(names.slice(1, 2)), never));
    expect(found.map((ref) => ref.ref)).toEqual([names[0] as string, names[2] as string].sort());
    expect(found.map((ref) => ref.digest).sort()).toEqual(digests(world.kind, plain(1), plain(3)));
    for (const ref of found) expect(ref.version).toBe((await copyOf(target, container, ref.ref)).version);
  },
  'leaves out of its evidence what is gone': async (world) => {
    const { target, container, ref } = await one(world);
    const missing = `${ref}-gone`;
    const back = await all(target.readBack(container, [ref, missing].sort(), never));
    expect(back.map((copy) => copy.ref)).toEqual([ref]);
  },
  'writes nothing when it is aborted': async (world) => {
    const { target, container } = await ready(world);
    const write = [creating(world.kind, 't', samples[world.kind].plain(1))];
    await expect(all(target.write(container, write, AbortSignal.abort()))).rejects.toThrow();
    expect(await world.stored(PATH)).toEqual([]);
  },
  'ends when it is closed': async (world) => {
    const { target, container } = await ready(world);
    target.close();
    target.close();
    const write = [creating(world.kind, 't', samples[world.kind].plain(1))];
    await expect(all(target.write(container, write, never))).rejects.toBeInstanceOf(Fault);
  },
} as const satisfies Record<string, Trait<ItemTargetWorld>>;
export type ItemTargetTrait = keyof typeof traits;

/** An odd item is proven in the form that the target can hold, and fitting twice is fitting once. */
function keeps(name: string): Trait<ItemTargetWorld> {
  return async (world) => {
    const { target, container } = await ready(world);
    const raw = samples[world.kind].odd[name] as Buffer;
    const fitted = target.fit?.(raw) ?? { body: raw };
    expect(digestOf(world.kind, target.fit?.(fitted.body).body ?? raw)).toBe(digestOf(world.kind, fitted.body));
    const lossless = digestOf(world.kind, fitted.body) === digestOf(world.kind, raw);
    if (!lossless) expect(fitted.notes?.length ?? 0).toBeGreaterThan(0);
    const answers = await apply(target, container, [
      creating(world.kind, 'before', samples[world.kind].plain(1)),
      creating(world.kind, 'odd', fitted.body),
      creating(world.kind, 'after', samples[world.kind].plain(2)),
    ]);
    const { ref, version } = written(answers, 'odd');
    const copy = await copyOf(target, container, ref as string);
    expect(copy.digest).toBe(digestOf(world.kind, fitted.body));
    // A version that is told and does not hold would make the next edit a conflict.
    if (version !== undefined) expect(copy.version).toBe(version);
  };
}

export interface ItemTargetSuite extends Suite<ItemTargetWorld, string> {
  readonly kind: ItemKind;
}

export function itemTargetConformance(suite: ItemTargetSuite): void {
  const odd = Object.keys(samples[suite.kind].odd).map((name) => [`keeps ${name}`, keeps(name)]);
  runTraits<ItemTargetWorld, string>('item target', suite, { ...traits, ...Object.fromEntries(odd) });
}
