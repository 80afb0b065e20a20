/**
 * How long the servers of this process keep a connection that nobody uses: `keepAliveTimeout`, 0 is for ever. A client in
 * the same process, which was busy meanwhile, would else send its next request while the server hangs up.
 */
export const NEVER = 0;
