import type { ConnectorManifest } from '../../connectors/manifest.js';
import { oneOfWords, quote } from '../../schemas/diagnostic.js';
import { offered } from '../../schemas/load.js';
import { listOptions } from '../../schemas/options.js';
import { didYouMean } from '../../schemas/suggest.js';
import type { ConnectorsArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { createStyle, print, table } from '../output.js';
import type { Shell } from '../shell.js';

/** Lists the connectors, or shows one with its options. JSON and YAML are the manifests. */
export async function run(shell: Shell, args: ConnectorsArgs): Promise<number> {
  const all = Object.values(offered).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (args.connector === undefined) {
    await print(shell, args.output, all, () =>
      table(
        ['CONNECTOR', 'ROLES', 'KINDS', 'ACCOUNTS: ALL', 'WHAT IT IS'],
        all.map((each) => [
          each.name,
          each.roles.join(', '),
          each.kinds.join(', '),
          each.listsAccounts ? 'yes' : 'no',
          each.summary,
        ]),
      ),
    );
    return exitCodes.done;
  }
  const manifest = all.find(({ name }) => name === args.connector);
  if (manifest === undefined) {
    const names = all.map(({ name }) => name);
    throw new CommandError(
      exitCodes.usage,
      `unknown connector ${quote(args.connector)}${didYouMean(args.connector, names) || `; there is ${oneOfWords(names)}`}`,
    );
  }
  await print(shell, args.output, manifest, () => describe(shell, args, manifest));
  return exitCodes.done;
}

function describe(shell: Shell, args: ConnectorsArgs, manifest: ConnectorManifest): string[] {
  const { bold, dim } = createStyle(shell, args.color);
  return [
    `${bold(manifest.name)}: ${manifest.summary}`,
    `${manifest.roles.join(' and ')} of ${manifest.kinds.join(', ')}`,
    ...listOptions(manifest.options).flatMap((option) => [
      '',
      `  ${bold(option.name)}  ${dim([option.type, ...(option.required ? ['required'] : []), ...(option.fallback !== undefined ? [`default ${option.fallback}`] : [])].join(', '))}`,
      `    ${option.description}`,
    ]),
  ];
}
