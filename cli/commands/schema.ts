import { specSchema } from '../../schemas/load.js';
import type { SchemaArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import { print } from '../output.js';
import type { Shell } from '../shell.js';

/** Prints the draft-07 JSON Schema; JSON unless YAML is asked for. */
export async function run(shell: Shell, args: SchemaArgs): Promise<number> {
  await print(shell, args.output === 'text' ? 'json' : args.output, specSchema(), () => []);
  return exitCodes.done;
}
