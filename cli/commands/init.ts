import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ConnectorManifest } from '../../connectors/manifest.js';
import { NAME_PATTERN } from '../../schemas/core.js';
import { oneOfWords, quote } from '../../schemas/diagnostic.js';
import { manifests } from '../../schemas/load.js';
import { didYouMean } from '../../schemas/suggest.js';
import type { InitArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';
import { starterSpec } from '../starter-spec.js';

/** Writes a commented first spec (spec.yaml unless named), which is valid as it stands. Never overwrites a file. */
export async function run(shell: Shell, args: InitArgs): Promise<number> {
  const file = args.file ?? 'spec.yaml';
  if (!new RegExp(NAME_PATTERN).test(args.name)) {
    throw new CommandError(
      exitCodes.usage,
      `${quote(args.name)} cannot be a name`,
      'use lower-case letters, digits and hyphens, at most 63',
    );
  }
  const text = starterSpec(args.name, find(args.from, 'source'), find(args.to, 'target'));
  try {
    await writeFile(resolve(shell.cwd, file), text, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new CommandError(
        exitCodes.usage,
        `${file} exists already and is not overwritten`,
        'name another file: `migrate init other.yaml`',
      );
    }
    throw new CommandError(
      exitCodes.usage,
      `${file} cannot be written (${code ?? 'unknown'})`,
      'name a file in a folder that you may write to',
      error,
    );
  }
  shell.err(`wrote ${file}; fill it in, then run \`migrate validate ${file}\` and \`migrate plan ${file}\``);
  return exitCodes.done;
}

function find(name: string, role: 'source' | 'target'): ConnectorManifest {
  const possible = Object.values(manifests).filter(({ roles }) => roles.includes(role));
  const found = possible.find((manifest) => manifest.name === name);
  if (found !== undefined) return found;
  const names = possible.map((manifest) => manifest.name);
  const hint = didYouMean(name, names) || `; there is ${oneOfWords(names)}`;
  throw new CommandError(exitCodes.usage, `no connector ${quote(name)} can be a ${role}${hint}`);
}
