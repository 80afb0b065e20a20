import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Kind } from '../../connectors/contract.js';
import type { ConnectorManifest } from '../../connectors/manifest.js';
import { NAME_PATTERN } from '../../schemas/core.js';
import { oneOfWords, quote } from '../../schemas/diagnostic.js';
import { offered } from '../../schemas/load.js';
import { didYouMean } from '../../schemas/suggest.js';
import type { InitArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';
import { starterSpec } from '../starter-spec.js';

/** Writes a commented first spec (spec.yaml unless named, `-` is stdout), which is valid as it stands. Never overwrites a file. */
export async function run(shell: Shell, args: InitArgs): Promise<number> {
  const file = args.file ?? 'spec.yaml';
  if (!new RegExp(NAME_PATTERN).test(args.name)) {
    throw new CommandError(
      exitCodes.usage,
      `${quote(args.name)} cannot be a name`,
      'use lower-case letters, digits and hyphens, at most 63',
    );
  }
  const source = find(args.from, 'source');
  // Most people leave a system for another of its sort.
  const target = args.to === undefined && source.roles.includes('target') ? source : find(args.to ?? 'imap', 'target');
  const text = starterSpec(args.name, kindOf(source, target, args.kind), source, target);
  if (file === '-') {
    shell.out(text.trimEnd());
    return exitCodes.done;
  }
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

/** The kind that was asked for, else the first that both connectors have. */
function kindOf(source: ConnectorManifest, target: ConnectorManifest, asked: Kind | undefined): Kind {
  const both = source.kinds.filter((kind) => target.kinds.includes(kind));
  const kind = asked ?? both[0];
  if (kind !== undefined && both.includes(kind)) return kind;
  const has = ({ name, kinds }: ConnectorManifest): string => `${name} has ${oneOfWords(kinds)}`;
  throw new CommandError(
    exitCodes.usage,
    `no ${kind ?? 'kind'} can go from ${source.name} to ${target.name}: ${has(source)}, ${has(target)}`,
    '`migrate connectors` lists what each can do',
  );
}

function find(name: string, role: 'source' | 'target'): ConnectorManifest {
  const possible = Object.values(offered).filter(({ roles }) => roles.includes(role));
  const found = possible.find((manifest) => manifest.name === name);
  if (found !== undefined) return found;
  const names = possible.map((manifest) => manifest.name);
  const hint = didYouMean(name, names) || `; there is ${oneOfWords(names)}`;
  throw new CommandError(exitCodes.usage, `no connector ${quote(name)} can be a ${role}${hint}`);
}
