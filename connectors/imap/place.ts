/** The account as a place: where it is, and whose mailbox, whatever login opens it. */
import type { Place } from '../contract.js';
import type { ImapSession } from './session.js';

/** Logs in. Throws `Fault`. */
export async function place(session: ImapSession, signal: AbortSignal): Promise<Place> {
  const unwatch = session.watch(signal);
  try {
    await session.ready(signal);
    return { proof: `${session.system}/${session.access.account}`, system: session.system };
  } finally {
    unwatch();
  }
}
