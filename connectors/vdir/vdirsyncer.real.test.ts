import { isUtf8 } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { apply, never } from '../../tests/conformance/collect.js';
import { containerIn, creating, samples } from '../../tests/conformance/items.js';
import { readAll, vdirFolder } from '../../tests/sample/vdir-folder.js';
import { createVdirSource } from './source.js';
import { createVdirTarget } from './target.js';

const { at, put } = vdirFolder();

describe('vdirsyncer', () => {
  async function vdirsyncer(from: string, to: string): Promise<void> {
    const storage = (name: string, folder: string) =>
      `[storage ${name}]\ntype = "filesystem"\npath = "${at(folder)}"\nfileext = ".ics"\n`;
    const pair = '[pair p]\na = "a"\nb = "b"\ncollections = ["from a"]\nmetadata = ["color", "displayname"]\n';
    await put('config', `[general]\nstatus_path = "${at('status')}"\n${pair}${storage('a', from)}${storage('b', to)}`);
    const run = (...args: string[]) =>
      execFileSync('vdirsyncer', ['-c', at('config'), ...args], {
        input: 'y\n'.repeat(9),
        stdio: 'pipe',
        timeout: 300_000,
      });
    run('discover');
    run('metasync');
    run('sync');
  }

  it('reads what we wrote, and we read what it wrote, unchanged', async () => {
    const target = createVdirTarget(at('ours'), 'calendar');
    const container = await target.ensure({ path: ['Süd / Nord'], properties: { color: '#abcdef' } }, never);
    // It takes a file for UTF-8 before it unfolds it, and gives up where a letter is folded.
    const bodies = Object.values(samples.calendar.odd).filter(isUtf8);
    const answers = await apply(
      target,
      container,
      bodies.map((body, n) => creating('calendar', `${n}`, body)),
    );
    for (const answer of answers.values()) expect(answer).toHaveProperty('ref');

    await vdirsyncer('ours', 'theirs');

    const seen = async (folder: string) => {
      const source = createVdirSource(at(folder), 'calendar');
      const { properties } = await containerIn(source, ['Süd / Nord']);
      return { properties, bodies: Object.values(await readAll(source, 'Süd / Nord')).sort() };
    };
    expect((await seen('ours')).properties).toEqual({ color: '#abcdef' });
    expect(await seen('theirs')).toEqual(await seen('ours'));
  });
});
