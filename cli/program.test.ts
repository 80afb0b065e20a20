import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { Fault } from '../connectors/errors.js';
import { expectGolden } from '../tests/golden.js';
import { commands } from './commands.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { createProgram } from './program.js';
import { createRecordingShell } from './recording-shell.js';
import { explain, main } from './run.js';

/** What a command line hands to its command. */
async function dispatched(line: string): Promise<unknown> {
  let seen: unknown;
  const program = createProgram(createRecordingShell().shell, async (verb, args) => {
    seen = [verb, args];
  });
  await program.parseAsync(line.split(' '), { from: 'user' });
  return seen;
}

function leaves(command: Command, path = ''): string[] {
  const here = `${path} ${command.name()}`.trim();
  return command.commands.length === 0 ? [here] : command.commands.flatMap((child) => leaves(child, here));
}

describe('help', () => {
  const program = createProgram(createRecordingShell().shell, async () => {});
  const commands = [[], ...leaves(program).map((path) => path.split(' ').slice(1)), ['schedule']];
  it('of every command', async () => {
    const pages: string[] = [];
    for (const command of commands) {
      const { shell, out, err } = createRecordingShell({ argv: [...command, '--help'] });
      expect(await main(shell)).toBe(0);
      expect(err).toEqual([]);
      pages.push(`$ ${['migrate', ...command, '--help'].join(' ')}`, ...out, '');
    }
    // What every command repeats is shown once.
    expectGolden(
      'help.txt',
      pages.join('\n').replace(/\nGlobal Options:[\s\S]*?(?=\n\n|\n\$|$)/g, '\nGlobal Options: …'),
    );
  });
});

/** What `migrate help …` or `--help` prints. */
async function helpOf(...argv: string[]): Promise<string> {
  const { shell, out, err } = createRecordingShell({ argv });
  expect([await main(shell), err]).toEqual([0, []]);
  return out.join('\n');
}

describe('examples', () => {
  const program = createProgram(createRecordingShell().shell, async () => {});
  const paths = leaves(program).map((path) => path.split(' ').slice(1));

  it.each(paths.map((path) => [path.join(' '), path] as const))(
    'of %s are command lines that it understands',
    async (_, path) => {
      const lines = [
        ...(await helpOf(...path, '--help')).matchAll(/^ {2}\$ (?:[A-Z_]+=\S+ )*migrate (.+?)(?: [|>] .+)?$/gm),
      ];
      expect(lines.length).toBeGreaterThan(0);
      for (const [, line = ''] of lines) {
        const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
        let verb: string | undefined;
        const parsed = createProgram(createRecordingShell().shell, async (named) => {
          verb = named;
        });
        await parsed.parseAsync(words, { from: 'user' });
        expect(verb).toBe(words[0]);
      }
    },
  );
});

describe('migrate help', () => {
  it('shows a verb as --help does, and an action of a verb', async () => {
    expect(await helpOf('help', 'apply')).toBe(await helpOf('apply', '--help'));
    expect(await helpOf('help', 'schedule', 'pause')).toBe(await helpOf('schedule', 'pause', '--help'));
    expect(await helpOf('help', 'schedule')).toBe(await helpOf('schedule', '--help'));
    expect(await helpOf('help')).toBe(await helpOf('--help'));
  });

  it.each([
    ['help aply', "unknown command 'aply'"],
    ['help schedule puase', "unknown command 'puase'"],
  ])('does not know %s', async (line, reason) => {
    const { shell, err, out } = createRecordingShell({ argv: line.split(' ') });
    expect([await main(shell), out]).toEqual([64, []]);
    expect(err.join('\n')).toContain(reason);
    expect(err.join('\n')).toContain('Did you mean');
  });
});

describe('arguments', () => {
  const global = { output: 'text', color: true };
  it.each([
    ['validate s.yaml -o json', ['validate', { ...global, output: 'json', spec: 's.yaml' }]],
    ['-o yaml validate s.yaml', ['validate', { ...global, output: 'yaml', spec: 's.yaml' }]],
    [
      'apply s.yaml --wait --timeout 1h30m --replace --no-color --address a:1 --namespace n --profile p',
      [
        'apply',
        {
          output: 'text',
          color: false,
          spec: 's.yaml',
          wait: true,
          timeoutMs: 5_400_000,
          replace: true,
          address: 'a:1',
          namespace: 'n',
          profile: 'p',
        },
      ],
    ],
    ['plan s.yaml --detailed-exitcode', ['plan', { ...global, spec: 's.yaml', detailedExitcode: true }]],
    ['retry m --unit 3', ['retry', { ...global, name: 'm', unit: 3 }]],
    ['retune m --items-per-second 10 --lanes 2', ['retune', { ...global, name: 'm', itemsPerSecond: 10, lanes: 2 }]],
    ['retune m --connections-per-account 1', ['retune', { ...global, name: 'm', connectionsPerAccount: 1 }]],
    [
      'schedule backfill m s --start a --end b',
      ['schedule', { ...global, action: 'backfill', name: 'm', schedule: 's', start: 'a', end: 'b' }],
    ],
    ['retune m --reset', ['retune', { ...global, name: 'm', reset: true }]],
    [
      'retune m --reset lanes,items-per-second --lanes 3',
      ['retune', { ...global, name: 'm', reset: ['lanes', 'itemsPerSecond'], lanes: 3 }],
    ],
    ['schedule list', ['schedule', { ...global, action: 'list' }]],
    ['report m --out r --run 2', ['report', { ...global, name: 'm', out: 'r', run: 2 }]],
    ['dev', ['dev', { ...global, dir: '.drover' }]],
    ['completion bash', ['completion', { ...global, shell: 'bash' }]],
  ])('of %s', async (line, expected) => {
    expect(await dispatched(line)).toEqual(expected);
  });
});

describe('exit codes', () => {
  it.each([
    ['aply s.yaml', 'Did you mean apply?'],
    ['apply', "missing required argument 'spec'"],
    ['apply s.yaml --wiat', 'Did you mean --wait?'],
    ['apply s.yaml --timeout soon', 'Use a duration'],
    ['retry m --unit 0', 'Use a whole number from 1'],
    ['retune --reset m', '"m" is no limit: lanes, connections, connections-per-account'],
    ['validate a b', 'too many arguments'],
    ['validate a -o xml', 'Allowed choices are text, json, yaml'],
  ])('64 for %s', async (line, reason) => {
    const { shell, out, err } = createRecordingShell({ argv: line.split(' ') });

    expect(await main(shell)).toBe(64);

    expect(out).toEqual([]);
    expect(err.join('\n')).toContain(reason);
    expect(err.join('\n')).toContain('migrate:');
  });

  it('0 for the version', async () => {
    const { shell, out } = createRecordingShell({ argv: ['--version'] });
    expect(await main(shell)).toBe(0);
    expect(out[0]).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('what ends a command', () => {
  it.each([
    [
      new CommandError(exitCodes.unreachable, 'no Temporal at x:7233', 'start one'),
      69,
      ['migrate: no Temporal at x:7233', '  start one'],
    ],
    [new Fault('spec', 'no such folder', { next: 'make it' }), 65, ['migrate: no such folder', '  make it']],
    [new Fault('credentials', 'NO password=hunter2'), 1, ['migrate: NO password=[redacted]']],
    [
      new TypeError('x is not a function'),
      1,
      ['migrate: unexpected: x is not a function', expect.stringContaining('DROVER_DEBUG=1')],
    ],
  ] as const)('is a sentence, redacted: %s', async (error, exitCode, lines) => {
    const { shell, err } = createRecordingShell();

    expect(await explain(shell, error)).toBe(exitCode);

    expect(err).toEqual(lines);
  });

  it('shows the stack when asked', async () => {
    const { shell, err } = createRecordingShell({ env: { DROVER_DEBUG: '1' } });

    await explain(shell, new TypeError('x'));

    expect(err.join('\n')).toContain('program.test.ts');
  });

  it('is silent about an interruption', async () => {
    const { shell, err } = createRecordingShell({ signal: AbortSignal.abort() });

    expect(await explain(shell, new Error('aborted'))).toBe(130);

    expect(err).toEqual([]);
  });
});

describe('the commands', () => {
  it('are those of the program', () => {
    const program = createProgram(createRecordingShell().shell, async () => {});

    expect(Object.keys(commands).sort()).toEqual(program.commands.map((command) => command.name()).sort());
  });
});
