/** Traits of writing: creating, changing metadata, moving, removing. */
import { expect } from 'vitest';
import type { JsonObject, Write } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { digestMail } from '../../connectors/kinds/mail.js';
import { all, apply, create, never, refOf, written } from './collect.js';
import type { TargetWorld } from './mail-worlds.js';
import { large, odd, plain } from './odd-messages.js';
import type { Trait } from './trait.js';

const PATH = ['Work'];

/** The message is stored as it was, and what the target says it holds is so. */
function kept(bytes: Buffer): Trait<TargetWorld> {
  return async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    const anchor = await target.anchor(container, never);
    const answers = await apply(target, container, [
      create('before', plain('before')),
      create('odd', bytes),
      create('after', plain('after')),
    ]);
    const ref = await refOf(target, container, written(answers, 'odd'), digestMail(bytes), anchor);
    const [back] = await all(target.readBack(container, [ref], never));
    expect([back?.ref, back?.digest]).toEqual([ref, digestMail(bytes)]);
    const stored = (await world.messages(PATH)).map((one) => digestMail(one.bytes)).sort();
    expect(stored).toEqual([bytes, plain('before'), plain('after')].map((one) => digestMail(one)).sort());
  };
}

async function writeOne(world: TargetWorld, meta: { flags?: readonly string[]; date?: string }) {
  const target = world.open();
  const container = await target.ensure({ path: PATH }, never);
  const anchor = await target.anchor(container, never);
  const answer = written(await apply(target, container, [create('t', plain(1), meta)]), 't');
  const ref = await refOf(target, container, answer, digestMail(plain(1)), anchor);
  return { target, container, answer, ref };
}

function keptOrNoted(...flags: string[]): Trait<TargetWorld> {
  return async (world) => {
    const { answer } = await writeOne(world, { flags });
    const [stored] = await world.messages(PATH);
    const lost = flags.filter((flag) => !stored?.flags.includes(flag));
    for (const flag of lost) expect(answer.notes?.join() ?? '').toContain(flag);
    expect(stored?.flags.filter((flag) => !flags.includes(flag))).toEqual([]);
    if (answer.meta) expect(answer.meta.flags).toEqual(flags.filter((flag) => !lost.includes(flag)).sort());
  };
}

function datedOrNoted(date: string): Trait<TargetWorld> {
  return async (world) => {
    const { answer } = await writeOne(world, { date });
    const [stored] = await world.messages(PATH);
    const kept = stored?.date !== undefined && Date.parse(stored.date) === Date.parse(date);
    expect(kept || (answer.notes?.length ?? 0) > 0).toBe(true);
  };
}

async function flagsAfter(
  world: TargetWorld,
  start: string[],
  base: string[],
  want: string[],
): Promise<readonly string[]> {
  const { target, container, ref } = await writeOne(world, { flags: start });
  const meta = (flags: string[]): JsonObject => ({ flags: flags.sort() });
  written(await apply(target, container, [{ op: 'meta', token: 'm', ref, base: meta(base), meta: meta(want) }]), 'm');
  const [stored] = await world.messages(PATH);
  return [...(stored?.flags ?? [])].sort();
}

export const writing = {
  'writes a batch of 200 and answers each once': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    const writes = Array.from({ length: 200 }, (_, n) => create(`t${n}`, plain(n)));
    const answers = await apply(target, container, writes);
    for (const write of writes) written(answers, write.token);
    const stored = (await world.messages(PATH)).map((one) => digestMail(one.bytes)).sort();
    expect(stored).toEqual(writes.map((write) => ('digest' in write ? write.digest : '')).sort());
  },
  'tells distinct references for identical twins': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    const answers = await apply(target, container, [create('a', plain(1)), create('b', plain(1))]);
    const refs = ['a', 'b'].map((token) => written(answers, token).ref).filter((ref) => ref !== undefined);
    expect(new Set(refs).size).toBe(refs.length);
    expect((await world.messages(PATH)).length).toBe(2);
  },
  'answers the rest of a batch that holds an impossible write': async (world) => {
    const { target, container } = await writeOne(world, {});
    const gone: Write<Mail> = { op: 'remove', token: 'gone', ref: '99999999' };
    const answers = await apply(target, container, [create('a', plain('a')), gone, create('b', plain('b'))]);
    written(answers, 'a');
    written(answers, 'b');
    expect((await world.messages(PATH)).length).toBe(3);
  },
  'writes nothing when nothing is asked': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    expect((await apply(target, container, [])).size).toBe(0);
    expect(await world.messages(PATH)).toEqual([]);
  },
  'keeps or notes each system flag': keptOrNoted('\\Answered', '\\Draft', '\\Flagged', '\\Seen'),
  'keeps or notes keywords': keptOrNoted('$Forwarded', 'Project-X', '\\Seen'),
  'keeps or notes 30 keywords': keptOrNoted(...Array.from({ length: 30 }, (_, n) => `keyword${n}`)),
  'keeps or notes keywords no protocol allows': keptOrNoted('two words', 'brace{', 'ümlaut', '\\Seen'),
  'sets no flag that was not asked for': keptOrNoted(),
  'keeps or notes an internal date': datedOrNoted('2019-03-01T10:22:03+00:00'),
  'keeps or notes an internal date in another zone': datedOrNoted('2019-03-01T10:22:03+05:30'),
  'keeps or notes a very old date': datedOrNoted('1971-06-05T04:03:02+00:00'),
  'merges flags: adds, takes away, leaves what others set': async (world) => {
    expect(await flagsAfter(world, ['\\Seen', '\\Flagged'], ['\\Seen'], ['\\Answered'])).toEqual([
      '\\Answered',
      '\\Flagged',
    ]);
  },
  'merges flags to what is there already': async (world) => {
    expect(await flagsAfter(world, ['\\Seen'], [], ['\\Seen'])).toEqual(['\\Seen']);
  },
  'keeps the content when flags change': async (world) => {
    await flagsAfter(world, [], [], ['\\Seen']);
    expect((await world.messages(PATH)).map((one) => digestMail(one.bytes))).toEqual([digestMail(plain(1))]);
  },
  'moves one message': async (world) => {
    const { target, container, ref } = await writeOne(world, { flags: ['\\Seen'] });
    await apply(target, container, [create('stays', plain(2))]);
    const to = await target.ensure({ path: ['Other'] }, never);
    written(await apply(target, container, [{ op: 'move', token: 'm', ref, to }]), 'm');
    expect((await world.messages(PATH)).map((one) => digestMail(one.bytes))).toEqual([digestMail(plain(2))]);
    const moved = await world.messages(['Other']);
    expect(moved.map((one) => [digestMail(one.bytes), one.flags])).toEqual([[digestMail(plain(1)), ['\\Seen']]]);
  },
  'removes only the one asked for': async (world) => {
    const { target, container, ref } = await writeOne(world, {});
    await apply(target, container, [create('twin', plain(1)), create('other', plain(2))]);
    written(await apply(target, container, [{ op: 'remove', token: 'r', ref }]), 'r');
    const stored = (await world.messages(PATH)).map((one) => digestMail(one.bytes)).sort();
    expect(stored).toEqual([digestMail(plain(1)), digestMail(plain(2))].sort());
    expect(await all(target.readBack(container, [ref], never))).toEqual([]);
  },
  'has removed what is gone': async (world) => {
    const { target, container, ref } = await writeOne(world, {});
    written(await apply(target, container, [{ op: 'remove', token: 'r', ref }]), 'r');
    written(await apply(target, container, [{ op: 'remove', token: 'again', ref }]), 'again');
  },
  'survives removing, moving and changing what is gone': async (world) => {
    const { target, container, ref } = await writeOne(world, {});
    await apply(target, container, [create('other', plain(2))]);
    written(await apply(target, container, [{ op: 'remove', token: 'r', ref }]), 'r');
    const flags: JsonObject = { flags: ['\\Seen'] };
    await apply(target, container, [
      { op: 'remove', token: 'again', ref },
      { op: 'move', token: 'move', ref, to: await target.ensure({ path: ['Other'] }, never) },
      { op: 'meta', token: 'meta', ref, base: { flags: [] }, meta: flags },
    ]);
    expect((await world.messages(PATH)).map((one) => [digestMail(one.bytes), one.flags])).toEqual([
      [digestMail(plain(2)), []],
    ]);
    expect(await world.messages(['Other'])).toEqual([]);
  },
  'ends writing when it is aborted': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: PATH }, never);
    await expect(all(target.write(container, [create('t', plain(1))], AbortSignal.abort()))).rejects.toThrow();
    expect(await world.messages(PATH)).toEqual([]);
  },
  'keeps 8-bit headers': kept(odd.eightBitHeader),
  'keeps 8-bit bodies': kept(odd.eightBitBody),
  'keeps every byte but NUL': kept(odd.allBytes),
  'keeps NUL': kept(odd.nul),
  'keeps bare line feeds': kept(odd.bareLf),
  'keeps nothing but line feeds': kept(odd.onlyLf),
  'keeps lone carriage returns': kept(odd.loneCr),
  'keeps a missing final newline': kept(odd.noFinalNewline),
  'keeps a carriage return at the end': kept(odd.endsInCr),
  'keeps blank lines at the end': kept(odd.blankLinesAtEnd),
  'keeps headers without a body': kept(odd.headersOnly),
  'keeps lines that begin with From': kept(odd.fromLines),
  'keeps a message that begins like an mbox': kept(odd.fromFirst),
  'keeps lines of dots': kept(odd.dots),
  'keeps a very long line': kept(odd.longLine),
  'keeps a very long header': kept(odd.longHeader),
  'keeps a message without headers': kept(odd.noHeaders),
  'keeps headers that are none': kept(odd.notHeaders),
  'keeps broken folding': kept(odd.brokenFolding),
  'keeps headers that mailbox formats use': kept(odd.statusHeaders),
  'keeps an empty message': kept(Buffer.alloc(0)),
  'keeps 100 KB': kept(large(100_000)),
  'keeps 5 MB': kept(large(5_000_000)),
} as const satisfies Record<string, Trait<TargetWorld>>;
