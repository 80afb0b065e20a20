/** The other commands that need nothing but this machine: init, schema, connectors, completion. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSpec, manifests, offered, specSchema } from '../../schemas/load.js';
import { expectGolden } from '../../tests/golden.js';
import { createRecordingShell } from '../recording-shell.js';
import { main } from '../run.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-cli-'));
});
afterEach(() => rm(dir, { recursive: true }));

describe('migrate init', () => {
  const all = Object.values(offered);
  const sources = all.filter(({ roles }) => (roles as readonly string[]).includes('source'));
  const targets = all.filter(({ roles }) => (roles as readonly string[]).includes('target'));
  const pairs = sources.flatMap((from) =>
    targets.flatMap((to) =>
      from.kinds.filter((kind) => to.kinds.includes(kind)).map((kind) => [kind, from.name, to.name] as const),
    ),
  );
  it.each(pairs)('writes a valid spec of %s from %s to %s', async (kind, from, to) => {
    const { shell, err } = createRecordingShell({
      argv: ['init', 'new.yaml', '--from', from, '--to', to, '--kind', kind, '--name', 'acme'],
      cwd: dir,
    });

    expect(await main(shell)).toBe(0);

    expect(err.join('\n')).toContain('wrote new.yaml');
    const loaded = await loadSpec(join(dir, 'new.yaml'), (path) => readFile(path));
    expect(loaded).toMatchObject({
      spec: { name: 'acme', sources: { old: { type: from } }, targets: { new: { type: to } }, selections: [{ kind }] },
    });
  });

  it.each(pairs)('its hints for %s from %s to %s are valid too', async (kind, from, to) => {
    const argv = ['init', 'new.yaml', '--from', from, '--to', to, '--kind', kind];
    await main(createRecordingShell({ argv, cwd: dir }).shell);

    const text = await readFile(join(dir, 'new.yaml'), 'utf8');
    // All that is commented out of the selection, and the schedule.
    const [systems = '', selection = ''] = text.split(/(?=^selections:)/m);
    const loaded = await loadSpec('hints.yaml', async () =>
      Buffer.from(systems + selection.replace(/^( *)# ?/gm, '$1')),
    );
    expect(loaded).toMatchObject({ spec: { schedules: [{ every: '1d' }] } });
  });

  it('goes to the same system unless told, with the first kind that fits', async () => {
    await main(createRecordingShell({ argv: ['init', '--from', 'carddav'], cwd: dir }).shell);
    const loaded = await loadSpec(join(dir, 'spec.yaml'), (path) => readFile(path));

    expect(loaded).toMatchObject({
      spec: { targets: { new: { type: 'carddav' } }, selections: [{ kind: 'contacts' }] },
    });
  });

  it('explains every option', async () => {
    await main(createRecordingShell({ argv: ['init', '--to', 'maildir'], cwd: dir }).shell);
    const argv = ['init', 'contacts.yaml', '--from', 'carddav', '--to', 'vdir'];
    await main(createRecordingShell({ argv, cwd: dir }).shell);

    expectGolden('init.yaml.txt', await readFile(join(dir, 'spec.yaml'), 'utf8'));
    expectGolden('init-contacts.yaml.txt', await readFile(join(dir, 'contacts.yaml'), 'utf8'));
    await main(createRecordingShell({ argv: ['init', 'files.yaml', '--from', 'folder'], cwd: dir }).shell);
    expectGolden('init-files.yaml.txt', await readFile(join(dir, 'files.yaml'), 'utf8'));
  });

  it('prints to stdout for "-", and writes no file', async () => {
    const { shell, out, err } = createRecordingShell({ argv: ['init', '-', '--name', 'acme'], cwd: dir });

    expect(await main(shell)).toBe(0);

    expect([out.join('\n'), err]).toEqual([expect.stringMatching(/^version: 1\nname: acme$/m), []]);
    expect(await readdir(dir)).toEqual([]);
  });

  it('offers nothing that is for tests only, and neither do the list, the schema and errors', async () => {
    const offers = async (...argv: string[]): Promise<string> => {
      const { shell, out, err } = createRecordingShell({ argv, cwd: dir });
      await main(shell);
      return [...out, ...err].join('\n');
    };
    await writeFile(join(dir, 's.yaml'), 'version: 1\nname: x\nsources: { a: { type: nothing } }\n');

    expect(await offers('init', '--from', 'nothing')).toContain('there is caldav');
    expect(await offers('init', '--from', 'memory')).toContain('no connector "memory"');
    expect(await offers('validate', join(dir, 's.yaml'))).toContain('use caldav');
    for (const argv of [['init', '--from', 'nothing'], ['validate', join(dir, 's.yaml')], ['connectors'], ['schema']])
      expect(await offers(...argv)).not.toMatch(/\bmemory\b(?!:)/);
  });

  it('refuses to overwrite', async () => {
    await writeFile(join(dir, 'spec.yaml'), 'mine');
    const { shell, err } = createRecordingShell({ argv: ['init'], cwd: dir });

    expect(await main(shell)).toBe(64);

    expect(err[0]).toBe('migrate: spec.yaml exists already and is not overwritten');
    expect(await readFile(join(dir, 'spec.yaml'), 'utf8')).toBe('mine');
  });

  it.each([
    [['--from', 'imapp'], 'no connector "imapp" can be a source; did you mean "imap"?'],
    [['--name', 'Acme Mail'], '"Acme Mail" cannot be a name'],
    [['--to', 'vdir'], 'no kind can go from imap to vdir: imap has mail, vdir has calendar or contacts'],
    [
      ['--from', 'carddav', '--to', 'vdir', '--kind', 'calendar'],
      'no calendar can go from carddav to vdir: carddav has contacts, vdir has calendar or contacts',
    ],
  ])('refuses %j', async (argv, reason) => {
    const { shell, err } = createRecordingShell({ argv: ['init', ...argv], cwd: dir });

    expect(await main(shell)).toBe(64);

    expect(err[0]).toBe(`migrate: ${reason}`);
  });
});

describe('migrate schema', () => {
  it('prints the schema', async () => {
    const { shell, out } = createRecordingShell({ argv: ['schema'] });

    expect(await main(shell)).toBe(0);

    expect(JSON.parse(out.join('\n'))).toEqual(specSchema());
  });
});

describe('migrate connectors', () => {
  it('lists all, and the options of one', async () => {
    const all = createRecordingShell({ argv: ['connectors'] });
    const one = createRecordingShell({ argv: ['connectors', 'maildir'] });

    expect([await main(all.shell), await main(one.shell)]).toEqual([0, 0]);

    expectGolden('connectors.txt', `${[...all.out, '', ...one.out].join('\n')}\n`);
  });

  it('prints manifests as JSON', async () => {
    const { shell, out } = createRecordingShell({ argv: ['connectors', 'imap', '-o', 'json'] });

    expect(await main(shell)).toBe(0);

    expect(JSON.parse(out.join('\n'))).toEqual(manifests.imap);
  });

  it('knows no others', async () => {
    const { shell, err } = createRecordingShell({ argv: ['connectors', 'mbxo'] });

    expect(await main(shell)).toBe(64);

    expect(err).toEqual(['migrate: unknown connector "mbxo"; did you mean "mbox"?']);
  });
});

describe('migrate completion', () => {
  const script = async (name: string): Promise<string> => {
    const { shell, out } = createRecordingShell({ argv: ['completion', name] });
    expect(await main(shell)).toBe(0);
    return out.join('\n');
  };
  const complete = async (...words: string[]): Promise<string[]> => {
    const ask = `COMP_WORDS=(migrate ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _migrate; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const answer = execFileSync('bash', ['-c', `${await script('bash')}\n${ask}`], { encoding: 'utf8', cwd: dir });
    return answer.split('\n').filter((line) => line !== '');
  };

  it('completes verbs, options and subcommands in bash', async () => {
    expect(await complete('va')).toEqual(['validate']);
    expect(await complete('apply', '--re')).toEqual(['--replace']);
    expect(await complete('schedule', 'pa')).toEqual(['pause']);
    expect(await complete('schedule', 'pause', 'x', '--no')).toEqual(['--no-color', '--note']);
    expect(await complete('completion', 'f')).toEqual(['fish']);
  });

  it('falls back to files', async () => {
    await writeFile(join(dir, 'office.yaml'), '');
    expect(await complete('apply', 'off')).toEqual(['office.yaml']);
  });

  it('offers specs and folders where a spec is asked for, and options after a dash', async () => {
    await writeFile(join(dir, 'office.yaml'), '');
    await writeFile(join(dir, 'people.csv'), '');
    await mkdir(join(dir, 'specs'));

    expect(await complete('plan', '')).toEqual(['specs', 'office.yaml']);
    expect(await complete('plan', '--detailed')).toEqual(['--detailed-exitcode']);
    expect(await complete('logs', 'peo')).toEqual(['people.csv']);
  });

  it('offers the same in zsh and fish', async () => {
    expect(await script('zsh')).toContain('#compdef migrate');
    expect(await script('fish')).toContain(
      "complete -c migrate -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from pause' -l note -d 'why'",
    );
  });
});
