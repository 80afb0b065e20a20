/** The ledger for commands that read it: `list` of runs, `logs` and `report`. */
import { Fault } from '../connectors/errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { openLedger } from '../ledger/ledger.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { Shell } from './shell.js';
import { ledgerUrlFor } from './temporal.js';

/** Opens the ledger, works, and closes it. Throws `CommandError`: 69 when it is not known where, or not reachable. */
export async function withLedger(shell: Shell, work: (ledger: Ledger) => Promise<number>): Promise<number> {
  const url = await ledgerUrlFor(shell);
  if (url === undefined) {
    throw new CommandError(
      exitCodes.unreachable,
      'it is not known where the ledger is',
      'set DROVER_LEDGER_URL or DROVER_LEDGER_URL_FILE, or run this in the folder of `migrate dev`, while that runs',
    );
  }
  const ledger = openLedger(url, { max: 2 });
  try {
    return await work(ledger);
  } catch (error) {
    if (error instanceof Fault && error.code === 'unavailable') {
      throw new CommandError(exitCodes.unreachable, error.message, error.next, error);
    }
    const UNDEFINED_TABLE = '42P01';
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) {
      throw new CommandError(
        exitCodes.failed,
        'the ledger has no tables yet',
        'start a worker once, which makes them',
        error,
      );
    }
    throw error;
  } finally {
    await ledger.close();
  }
}
