import { approveSignal } from '../../workflows/messages.js';
import type { ApproveArgs } from '../arguments.js';
import { openGates } from '../gates.js';
import type { Shell } from '../shell.js';

/** Lets units go on that wait for approval, of removals or of many failures. */
export function run(shell: Shell, args: ApproveArgs): Promise<number> {
  return openGates(shell, args, approveSignal, ['approval', 'failures']);
}
