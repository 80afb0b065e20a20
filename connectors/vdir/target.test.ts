import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { all, apply, never, written } from '../../tests/conformance/collect.js';
import { creating, samples, updating } from '../../tests/conformance/items.js';
import { card } from '../../tests/conformance/odd-cards.js';
import { event } from '../../tests/conformance/odd-events.js';
import { asNobody, readAll, shown, vdirFolder } from '../../tests/sample/vdir-folder.js';
import type { Target, TargetContainer } from '../contract.js';
import { itemFilesIn } from '../local/item-files.js';
import { createVdirSource } from './source.js';
import { createVdirTarget } from './target.js';

const { at, put, namesIn } = vdirFolder();
const calendars = () => createVdirSource(at(), 'calendar');

async function opened(path = 'Work'): Promise<{ target: Target<Buffer>; container: TargetContainer }> {
  const target = createVdirTarget(at(), 'calendar');
  return { target, container: await target.ensure({ path: [path] }, never) };
}

const withUid = (uid: string) =>
  Buffer.from(
    event(1)
      .toString()
      .replace(/^UID:.*$/m, `UID:${uid}`),
  );

/** The system refuses to let files grow, as it does on a full disk, but for this process only. */
async function withFilesUpTo(bytes: number, step: () => Promise<void>): Promise<void> {
  const limit = (size: string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:`]);
  const ignore = () => {};
  process.on('SIGXFSZ', ignore);
  limit(String(bytes));
  try {
    await step();
  } finally {
    limit('unlimited');
    process.off('SIGXFSZ', ignore);
  }
}

describe('a vdir as a target', () => {
  it('makes folders with what a vdir knows of them, and says what it does not', async () => {
    const target = createVdirTarget(at('new', 'place'), 'calendar');
    const properties = { color: '#11223344', order: 2, description: 'Ours', timezone: 'Europe/Berlin' };
    const container = await target.ensure({ path: ['a/b: c?'], properties }, never);
    expect(container).toMatchObject({ key: 'a_b_ c_', created: true, notes: ['not kept in a vdir: timezone'] });
    const text = (name: string) => readFile(at('new', 'place', container.key, name), 'utf8');
    expect(await Promise.all(['displayname', 'color', 'order', 'description'].map(text))).toEqual([
      'a/b: c?',
      '#112233',
      '2',
      'Ours',
    ]);
    expect((await stat(at('new', 'place', container.key))).mode & 0o077).toBe(0);
  });

  it('finds each folder again, however odd its name, and keeps alike ones apart', async () => {
    const names = [
      'Work',
      'work',
      'WORK',
      'a/b',
      'a:b',
      'a_b',
      '..',
      '.hidden',
      'Work ',
      ' Work',
      'Work.',
      'line\n',
      'CON',
      'é'.normalize('NFC'),
      'é'.normalize('NFD'),
      '😀'.repeat(80),
      `${'😀'.repeat(80)}!`,
      'Work (2)',
    ];
    const target = createVdirTarget(at(), 'calendar');
    const keys: string[] = [];
    for (const name of names) keys.push((await target.ensure({ path: [name] }, never)).key);
    const onDisk = (await readdir(at())).map((name) => name.normalize('NFC').toLowerCase());
    expect(new Set(onDisk).size).toBe(names.length);
    for (const [n, name] of names.entries()) {
      const other = createVdirTarget(at(), 'calendar');
      expect(await other.ensure({ path: [name] }, never), JSON.stringify(name)).toMatchObject({
        key: keys[n],
        created: false,
      });
      expect(await other.find?.({ path: [name] }, never)).toMatchObject({ key: keys[n] });
    }
    expect((await shown(calendars())).map(([, name]) => name).sort()).toEqual([...names].sort());
  });

  it('finds a folder whose name the file system gives back in another Unicode form', async () => {
    await mkdir(at('Über'.normalize('NFD')));
    const { container } = await opened('Über'.normalize('NFC'));
    expect(container).toMatchObject({ created: false });
  });

  it('does not take an address book for a calendar of its name', async () => {
    await put('Work/1.vcf', card(1));
    const { container } = await opened();
    expect(container).toMatchObject({ key: 'Work (2)', created: true });
    expect((await opened()).container).toMatchObject({ key: 'Work (2)', created: false });
  });

  it('names files by their UIDs where that makes a name, else by a hash, and never two alike', async () => {
    const { target, container } = await opened();
    const uids = ['plain-1@host.example', 'ABC', 'abc', 'a/../../b', '..', 'x'.repeat(300), 'ü'];
    const answers = await apply(
      target,
      container,
      uids.map((uid) => creating('calendar', uid, withUid(uid))),
    );
    const refs = uids.map((uid) => written(answers, uid).ref as string);
    expect(refs[0]).toBe('plain-1@host.example.ics');
    expect(refs[1]).toBe('ABC.ics');
    expect(refs[2]).toMatch(/^[0-9a-f]{40}\.ics$/);
    expect(new Set(refs.map((ref) => ref.toLowerCase())).size).toBe(uids.length);
    expect(await namesIn('Work')).toEqual([...refs].sort());
    const read = await readAll(calendars(), 'Work');
    for (const [n, uid] of uids.entries()) expect(read[refs[n] as string]).toBe(withUid(uid).toString());
  });

  it('finds an item by its UID, whatever its file is called', async () => {
    const { target, container } = await opened();
    await put('Work/Anything.ics', event(1));
    const first = await apply(target, container, [creating('calendar', 't', event(1))]);
    expect(first.get('t')).toMatchObject({ conflicted: 't', ref: 'Anything.ics' });
    // Another program removes it, and adds another.
    await rm(at('Work', 'Anything.ics'));
    await put('Work/Other.ics', event(2));
    const then = await apply(target, container, [
      creating('calendar', 'a', event(1)),
      creating('calendar', 'b', event(2)),
    ]);
    written(then, 'a');
    expect(then.get('b')).toMatchObject({ conflicted: 'b', ref: 'Other.ics' });
  });

  it('does not overwrite a file that has the name and another content', async () => {
    const { target, container } = await opened();
    await put('Work/taken.ics', 'torn');
    const ref = written(await apply(target, container, [creating('calendar', 't', withUid('taken'))]), 't').ref;
    expect(ref).not.toBe('taken.ics');
    expect(await readFile(at('Work', 'taken.ics'), 'utf8')).toBe('torn');
  });

  it('writes two items of one UID in a batch once', async () => {
    const { target, container } = await opened();
    const answers = await apply(target, container, [
      creating('calendar', 'a', event(1)),
      creating('calendar', 'b', samples.calendar.edited(1)),
    ]);
    expect(written(answers, 'a').ref).toBeDefined();
    expect(answers.get('b')).toMatchObject({ conflicted: 'b', ref: written(answers, 'a').ref });
    expect(await namesIn('Work')).toHaveLength(1);
  });

  it('leaves nothing of what does not fit, and answers for what does', async () => {
    const { target, container } = await opened();
    const large = Buffer.from(
      event(2)
        .toString()
        .replace('END:VEVENT', `COMMENT:${'x'.repeat(300_000)}\r\nEND:VEVENT`),
    );
    const answers: unknown[] = [];
    await withFilesUpTo(100_000, async () => {
      const writing = async () => {
        const writes = [
          creating('calendar', 'a', event(1)),
          creating('calendar', 'b', large),
          creating('calendar', 'c', event(3)),
        ];
        for await (const answer of target.write(container, writes, never))
          answers.push('token' in answer && answer.token);
      };
      await expect(writing()).rejects.toMatchObject({ code: 'quota', next: expect.stringContaining('limit') });
    });
    expect(answers).toEqual(['a', 'c']);
    expect(await namesIn('Work')).toHaveLength(2);
    // It fits now, and its name is still free.
    written(await apply(target, container, [creating('calendar', 'b', large)]), 'b');
    expect(await namesIn('Work')).toHaveLength(3);
  });

  it('locates what a crash left: absent before the name, landed after it', async () => {
    const { target, container } = await opened();
    const anchor = await target.anchor(container, never);
    // Died before the name: a whole content under another.
    await put('Work/.drover-00000000-0000-4000-8000-000000000000.tmp', event(1));
    // Died after the name, before the answer.
    const { ref } = written(await apply(target, container, [creating('calendar', 't', event(2))]), 't');
    const intents = [1, 2].map((n) => ({ token: `${n}`, digest: creating('calendar', '', event(n)).digest }));
    const other = createVdirTarget(at(), 'calendar');
    const version = (await itemFilesIn(at('Work'), '.ics'))[0]?.version;
    expect(await all(other.locate(container, intents, anchor, async () => new Set(), never))).toEqual([
      { token: '1', found: 'absent' },
      { token: '2', found: 'landed', ref, meta: {}, version },
    ]);
    written(await apply(other, container, [creating('calendar', '1', event(1))]), '1');
    expect(Object.keys(await readAll(calendars(), 'Work'))).toHaveLength(2);
  });

  it('sweeps away what sessions left that died long ago, and nothing else', async () => {
    const left = '.drover-00000000-0000-4000-8000-000000000000.tmp';
    for (const name of [left, '.drover-notes', '.other.tmp']) await put(`Work/${name}`, 'x');
    await mkdir(at(left));
    await createVdirTarget(at(), 'calendar').ensure({ path: ['Work'] }, never);
    expect(await namesIn('Work')).toContain(left);
    const later = createVdirTarget(at(), 'calendar', { now: () => Date.now() + 2 * 3_600_000 });
    await later.ensure({ path: ['Work'] }, never);
    expect(await namesIn('Work')).toEqual(['.drover-notes', '.other.tmp']);
    expect(await namesIn('.')).toEqual(['Work']);
  });

  it('does not write through symbolic links', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'drover-outside-'));
    await writeFile(join(outside, 'e.ics'), event(1));
    await symlink(outside, at('Linked'));
    const { target, container } = await opened('Linked');
    expect(container.key).toBe('Linked (2)');
    const through = { ...container, key: 'Linked' };
    await expect(apply(target, through, [creating('calendar', 't', event(2))])).rejects.toMatchObject({
      code: 'refused',
    });
    await symlink(join(outside, 'e.ics'), at(container.key, 'e.ics'));
    const update = updating('calendar', 'e.ics', undefined, event(2));
    expect((await apply(target, container, [update])).get('u')).toMatchObject({ conflicted: 'u' });
    const up = updating('calendar', '../Linked/e.ics', undefined, event(2));
    expect((await apply(target, container, [up])).get('u')).toMatchObject({ conflicted: 'u' });
    expect(await readFile(join(outside, 'e.ics'))).toEqual(event(1));
    await rm(outside, { recursive: true });
  });

  it('moves an item, and not over another', async () => {
    const { target, container } = await opened();
    const other = await target.ensure({ path: ['Other'] }, never);
    const { ref } = written(await apply(target, container, [creating('calendar', 't', event(1))]), 't');
    const moving = { op: 'move' as const, token: 'm', ref: ref as string, to: other };
    expect(written(await apply(target, container, [moving]), 'm')).toMatchObject({ ref });
    expect([await namesIn('Work'), await namesIn('Other')]).toEqual([[], [ref]]);
    written(await apply(target, container, [creating('calendar', 't', samples.calendar.edited(1))]), 't');
    expect((await apply(target, container, [moving])).get('m')).toMatchObject({ refused: 'm' });
    expect(await namesIn('Work')).toEqual([ref]);
  });

  it('tells in words what it cannot write to, without making anything', async () => {
    await put('file', 'x');
    const onFile = createVdirTarget(at('file'), 'calendar');
    await expect(onFile.ensure({ path: ['Work'] }, never)).rejects.toMatchObject({ code: 'spec' });
    const nowhere = createVdirTarget(at('not', 'yet'), 'calendar');
    expect((await nowhere.describe(never))[0]).toMatchObject({ name: 'writable', value: 'yes' });
    expect(await namesIn('.')).toEqual(['file']);
    execFileSync('chmod', ['755', at()]);
    const denied = asNobody(() => nowhere.ensure({ path: ['Work'] }, never));
    await expect(denied).rejects.toMatchObject({ code: 'credentials' });
  });

  it('says so when its folder vanished', async () => {
    const { target, container } = await opened();
    await rm(at('Work'), { recursive: true });
    await expect(apply(target, container, [creating('calendar', 't', event(1))])).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
