/** One count: console, status, watch, Web UI and report say the same of a migration, whatever has gone wrong, and so does the target. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { MemoryStore } from '../../connectors/memory/store.js';
import { memoryStore } from '../../connectors/memory/store.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import { sameCounts } from './five-counts.js';
import type { Terminal } from './terminal.js';
import { migrate, terminalAt } from './terminal.js';

let stack: TestStack;
let terminal: Terminal;

beforeAll(async () => {
  stack = await startTestStack();
  terminal = terminalAt(stack);
});
afterAll(() => stack.stop());

interface Moved {
  readonly name: string;
  readonly file: string;
  readonly source: MemoryStore;
  readonly target: MemoryStore;
  /** What the target holds, without asking Drover. */
  held(): number;
}

const FOLDERS = [['INBOX'], ['Archive']];
const PEOPLE = ['anna', 'bela'];

/** Twelve messages of each of two people, in two folders. */
async function sample(): Promise<Moved> {
  const name = `count-${randomUUID().slice(0, 8)}`;
  const file = join(stack.dir, `${name}.yaml`);
  const [source, target] = [memoryStore(`${name}-source`), memoryStore(`${name}-target`)];
  for (const person of PEOPLE)
    for (const folder of FOLDERS)
      for (let n = 0; n < 6; n++) {
        const bytes = Buffer.from(`Message-ID: <${folder}${n}@${person}>\r\n\r\nbody ${n}\r\n`);
        source.account(person).put(folder, { bytes });
      }
  const spec = {
    version: 1,
    name,
    sources: { old: { type: 'memory', name: source.name } },
    targets: { new: { type: 'memory', name: target.name } },
    selections: [
      {
        ...{ name: 'mail', kind: 'mail', from: 'old', to: 'new' },
        accounts: PEOPLE.map((person) => ({ from: person, to: person })),
      },
    ],
  };
  await writeFile(file, JSON.stringify(spec));
  const held = (): number =>
    PEOPLE.flatMap((person) => [...target.account(person).folders.values()]).reduce((n, at) => n + at.messages.size, 0);
  return { name, file, source, target, held };
}

const said = async ({ name, held }: Moved): Promise<string> => {
  const { words, copies } = await sameCounts(terminal, stack.client, name);
  expect(held()).toBe(copies);
  return words;
};

const stands = ({ name }: Moved, units: object): Promise<void> =>
  expect
    .poll(async () => JSON.parse((await migrate(terminal, 'status', name, '-o', 'json')).out).progress?.units, {
      timeout: 30_000,
    })
    .toMatchObject(units);

it('when all is well, and once more', async () => {
  const moved = await sample();

  const first = await migrate(terminal, 'apply', moved.file, '--wait');
  expect(first.out).toContain(await said(moved));
  const second = await migrate(terminal, 'apply', moved.file, '--wait');

  expect(await said(moved)).toBe('all 24 items verified');
  expect(second.out).toContain('all 24 items verified');
});

it('when the target refuses some of them', async () => {
  const moved = await sample();
  moved.target.fault = ({ op, when, path, account }) => {
    if (op === 'create' && when === 'before' && path[0] === 'Archive' && account === 'bela')
      throw new Fault('refused', 'the mailbox takes no more of these');
  };

  const { out, code } = await migrate(terminal, 'apply', moved.file, '--wait');

  const words = await said(moved);
  expect([out.includes(words), code]).toEqual([true, 1]);
  expect(words).toBe('18 of 24 items verified; 6 failed');
});

it('when an account fails in the middle of its work, and the other does not', async () => {
  const moved = await sample();
  moved.target.fault = ({ op, when, path, account }) => {
    if (op === 'create' && when === 'before' && account === 'bela' && path[0] === 'INBOX')
      if (moved.target.account('bela').usedBytes() > 0) throw new Fault('spec', 'the folder INBOX is of another kind');
  };

  const { out } = await migrate(terminal, 'apply', moved.file, '--wait');

  const words = await said(moved);
  expect(out).toContain(words);
  expect(words).toMatch(/^12 of 24 items verified; .*not tried$/);
});

it('while one account waits for its password, and after only that one was tried again', async () => {
  const moved = await sample();
  moved.source.account('bela').locked = 'the password has expired';
  await migrate(terminal, 'apply', moved.file);
  await stands(moved, { done: 1, parked: 1 });

  expect(await said(moved)).toBe('all 12 items verified');
  moved.source.account('bela').locked = undefined;
  await migrate(terminal, 'credentials', moved.name);
  await migrate(terminal, 'watch', moved.name);

  expect(await said(moved)).toBe('all 24 items verified');
});

it('while a second run waits for a person, what it has not come to is in every count', async () => {
  const moved = await sample();
  await migrate(terminal, 'apply', moved.file, '--wait');
  for (const person of PEOPLE)
    moved.source.account(person).put(['INBOX'], { bytes: Buffer.from('new\r\n\r\nmail\r\n') });
  for (const person of PEOPLE) moved.source.account(person).locked = 'the password has expired';
  await migrate(terminal, 'apply', moved.file);
  await stands(moved, { parked: 2 });

  expect(await said(moved)).toBe('all 24 items verified');
  await migrate(terminal, 'cancel', moved.name);
  expect(await said(moved)).toBe('all 24 items verified');
});

it('when it is paused in the middle, and cancelled then', async () => {
  const moved = await sample();
  let writes = 0;
  const { name, target } = moved;
  let reached = (): void => {};
  const middle = new Promise<void>((resolve) => {
    reached = resolve;
  });
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  target.fault = async ({ op, when, path }) => {
    if (op !== 'create' || when !== 'after' || path[0] !== 'Archive' || ++writes < 3) return;
    reached();
    await held;
  };
  await migrate(terminal, 'apply', moved.file);
  await middle;
  const pausing = migrate(terminal, 'pause', name);
  release();
  target.fault = undefined;
  await pausing;

  const paused = await said(moved);
  await migrate(terminal, 'cancel', name);

  expect(await said(moved)).toBe(paused);
});
