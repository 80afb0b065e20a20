import { resumeSignal } from '../../workflows/messages.js';
import type { ResumeArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';
import { signalMigration } from '../steer.js';
import { withTemporal } from '../with-temporal.js';

/** Lets a paused migration go on. */
export async function run(shell: Shell, args: ResumeArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    await signalMigration(
      temporal,
      args.name,
      resumeSignal,
      [],
      `\`migrate retry ${args.name}\` starts what is left of it`,
    );
    shell.err(`${args.name}: goes on; \`migrate watch ${args.name}\` follows it`);
    return exitCodes.done;
  });
}
