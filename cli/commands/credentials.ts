import { credentialsSignal } from '../../workflows/messages.js';
import type { CredentialsArgs } from '../arguments.js';
import { openGates } from '../gates.js';
import type { Shell } from '../shell.js';

/** Says that secrets were renewed where the spec keeps them, so that parked units try again. */
export function run(shell: Shell, args: CredentialsArgs): Promise<number> {
  return openGates(shell, args, credentialsSignal, ['credentials']);
}
