import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { expectGolden } from '../../tests/golden.js';
import { createRecordingShell } from '../recording-shell.js';
import { main } from '../run.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const golden = `${root}/tests/golden/diagnostics`;

describe('migrate validate', () => {
  it('says that a spec is valid', async () => {
    const { shell, out, err } = createRecordingShell({ argv: ['validate', 'specs/demo.yaml'], cwd: root });

    expect(await main(shell)).toBe(0);

    expect(out).toEqual([]);
    expect(err).toEqual(['specs/demo.yaml is valid']);
  });

  it('prints problems as text on stdout and counts them on stderr', async () => {
    const { shell, out, err } = createRecordingShell({ argv: ['validate', 'unknown-field.yaml'], cwd: golden });

    expect(await main(shell)).toBe(65);

    expectGolden('validate-text.txt', `${out.join('\n')}\n`);
    expect(err).toEqual(['10 problems in unknown-field.yaml']);
  });

  it('prints problems as JSON, and the same as YAML', async () => {
    const json = createRecordingShell({ argv: ['validate', 'accounts-files.yaml', '-o', 'json'], cwd: golden });
    const yaml = createRecordingShell({ argv: ['validate', 'accounts-files.yaml', '-o', 'yaml'], cwd: golden });

    expect(await main(json.shell)).toBe(65);
    expect(await main(yaml.shell)).toBe(65);

    expectGolden('validate-json.txt', `${json.out.join('\n')}\n`);
    expect(parse(yaml.out.join('\n'))).toEqual(JSON.parse(json.out.join('\n')));
  });

  it('prints JSON for a valid spec', async () => {
    const { shell, out } = createRecordingShell({
      argv: ['validate', 'specs/imap-to-imap.yaml', '-o', 'json'],
      cwd: root,
    });

    expect(await main(shell)).toBe(0);

    expect(JSON.parse(out.join('\n'))).toEqual({ valid: true, problems: [], warnings: [] });
  });

  it('prints warnings, which fail with --strict only', async () => {
    const plain = createRecordingShell({ argv: ['validate', 'warnings.yaml'], cwd: golden });
    const strict = createRecordingShell({ argv: ['validate', 'warnings.yaml', '--strict'], cwd: golden });
    const json = createRecordingShell({ argv: ['validate', 'warnings.yaml', '-o', 'json'], cwd: golden });

    expect(await main(plain.shell)).toBe(0);
    expect(await main(strict.shell)).toBe(65);
    expect(await main(json.shell)).toBe(0);

    expect(plain.out).toEqual([
      expect.stringContaining('warnings.yaml:9:45: warning: schedule both starts only on days'),
    ]);
    expect(plain.err).toEqual(['1 warning in warnings.yaml', 'warnings.yaml is valid']);
    expect(strict.err).toEqual(['1 warning in warnings.yaml']);
    expect(JSON.parse(json.out.join(''))).toMatchObject({
      valid: true,
      warnings: [{ line: 9, path: '/schedules/0/cron', severity: 'warning' }],
    });
  });

  it('reads stdin', async () => {
    const { shell, out } = createRecordingShell({ argv: ['validate', '-'], stdin: 'version: 1\n---\n' });

    expect(await main(shell)).toBe(65);

    expect(out).toEqual(['-:2:1: a spec is one document; remove the "---" or "..." before this one']);
  });

  it.each([
    ['absent.yaml', 'there is no such file'],
    ['specs', 'this is a folder; name the file in it'],
  ])('explains %s', async (file, reason) => {
    const { shell, out } = createRecordingShell({ argv: ['validate', file], cwd: root });

    expect(await main(shell)).toBe(65);

    expect(out).toEqual([`${file}:1:1: ${reason}`]);
  });
});
