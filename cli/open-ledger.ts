/** The ledger for commands that read it: `list` of runs, `logs` and `report`. */
import { Fault } from '../connectors/errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { openLedger } from '../ledger/ledger.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { Shell } from './shell.js';
import { ledgerUrlFor } from './temporal.js';

/** As for Temporal: who takes a connection and stays silent for so long is not there. */
const CONNECT_MS = 2_000;

/**
 * Opens the ledger, works, and closes it. Throws `CommandError`: 69 when it is not known where, or not reachable; and
 * what the shell's signal says, when that comes before the ledger has answered.
 */
export async function withLedger(shell: Shell, work: (ledger: Ledger) => Promise<number>): Promise<number> {
  const url = await ledgerUrlFor(shell);
  if (url === undefined) {
    throw new CommandError(
      exitCodes.unreachable,
      'it is not known where the ledger is',
      'set DROVER_LEDGER_URL or DROVER_LEDGER_URL_FILE, or run this in the folder of `migrate dev`',
    );
  }
  const ledger = openLedger(url, { max: 2, connectMs: CONNECT_MS });
  try {
    const asked = unlessInterrupted(shell, ledger.pool.query('select 1'));
    await (shell.waiting?.during(`the ledger${at(url)}`, asked) ?? asked);
    return await work(ledger);
  } catch (error) {
    if (error instanceof Fault && error.code === 'unavailable') {
      throw new CommandError(
        exitCodes.unreachable,
        error.message.replace('the ledger', `the ledger${at(url)}`),
        error.next,
        error,
      );
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
    // Closing waits for what is under way.
    const closed = ledger.close();
    if (!shell.signal.aborted) await closed;
  }
}

/** Throws what the shell's signal says, as soon as that comes. */
export function unlessInterrupted<T>({ signal }: Pick<Shell, 'signal'>, work: Promise<T>): Promise<T> {
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, interrupted]);
}

/** Never the whole URL: it holds a password. */
function at(url: string): string {
  const host = URL.canParse(url) ? new URL(url).host : '';
  return host === '' ? '' : ` at ${host}`;
}
