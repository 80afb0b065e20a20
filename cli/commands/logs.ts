import type { Event } from '../../ledger/events.js';
import { readEvents } from '../../ledger/events.js';
import { parseDuration } from '../../schemas/duration.js';
import type { LogsArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { pause } from '../follow.js';
import { eventLine } from '../log-lines.js';
import { withLedger } from '../open-ledger.js';
import type { Style } from '../output.js';
import { createStyle, print } from '../output.js';
import type { Shell } from '../shell.js';

const PAGE = 1_000;

/** Prints a migration's events, oldest first; with --follow, also those that come, until Ctrl-C. */
export async function run(shell: Shell, args: LogsArgs): Promise<number> {
  const since = args.since === undefined ? undefined : readSince(args.since);
  return withLedger(shell, async (ledger) => {
    const style = createStyle(shell, args.color);
    let after = 0;
    for (;;) {
      const events = await readEvents(ledger, args.name, {
        after,
        limit: PAGE,
        ...(since && { since }),
        ...(args.unit !== undefined && { unit: args.unit }),
      });
      for (const event of events) await printEvent(shell, args, event, style);
      after = events.at(-1)?.id ?? after;
      if (shell.signal.aborted) return args.follow ? exitCodes.done : exitCodes.interrupted;
      if (events.length === PAGE) continue;
      if (!args.follow) {
        if (after === 0) shell.err(`no events of "${args.name}"${since ? ' since then' : ''}`);
        return exitCodes.done;
      }
      await pause(1_000, shell.signal);
    }
  });
}

/** JSON is one object a line and YAML one document an event: the log has no end that a list could be closed at. */
async function printEvent(shell: Shell, args: LogsArgs, event: Event, style: Style): Promise<void> {
  switch (args.output) {
    case 'json':
      return shell.out(JSON.stringify(event));
    case 'yaml':
      shell.out('---');
      return print(shell, 'yaml', event, () => []);
    case 'text':
      return shell.out(eventLine(event, style));
    default:
      args.output satisfies never;
  }
}

function readSince(text: string): Date {
  const ago = parseDuration(text);
  const at = ago === undefined ? new Date(text) : new Date(Date.now() - ago);
  if (!Number.isNaN(at.getTime()) && (ago !== undefined || /^\d{4}-\d\d-\d\d/.test(text))) return at;
  throw new CommandError(
    exitCodes.usage,
    `--since has "${text}"`,
    'use a duration back from now (15m, 2h) or a time such as 2026-03-01T10:00:00Z',
  );
}
