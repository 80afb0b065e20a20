/** The end of a connection in the middle of a write. */
import type { Socket } from 'node:net';

/**
 * Ends a connection with a reset, so that the kernel throws away what it has not sent yet: after `destroy` it is still
 * sent, and lands. `raw` is the socket below TLS: a TLSSocket cannot be reset.
 */
export function resetSocket(raw: Socket): void {
  // Before it is connected nothing was sent, and a reset would wait for the connection first.
  if (raw.destroyed || raw.pending) raw.destroy();
  else raw.resetAndDestroy();
}
