/**
 * Servers that schedule (RFC 6638) mail the attendees of what is written. A migration must not: invitations are written
 * as if a client did the scheduling itself, and the mark is taken away when they are read.
 */
import { invites, restoreScheduling, suppressScheduling } from '../../formats/icalendar/suppress-scheduling.js';
import type { DavAccount } from './account.js';
import { drain } from './answer-body.js';

export type Scheduling =
  /** It stores events and sends nothing. */
  | 'none'
  /** It honours SCHEDULE-AGENT (RFC 6638, 7.1). */
  | 'quiet'
  /** It schedules by an older draft, or does not say how: it cannot be kept from mailing. */
  | 'unknown';

/** What the server's DAV header says of scheduling. */
export async function schedulingOf(account: DavAccount, signal: AbortSignal): Promise<Scheduling> {
  if (account.flavour.scheme !== 'caldav') return 'none';
  const home = await account.home(signal);
  const answer = await account.http.ask({ method: 'OPTIONS', path: home }, signal);
  await drain(answer.body);
  const classes = (answer.headers.dav ?? '').split(',').map((one) => one.trim().toLowerCase());
  if (classes.includes('calendar-auto-schedule')) return 'quiet';
  return classes.includes('calendar-schedule') ? 'unknown' : 'none';
}

export const suppression = {
  invites: (account: DavAccount, body: Buffer): boolean => account.flavour.scheme === 'caldav' && invites(body),

  done: suppressScheduling,

  undone: (account: DavAccount, body: Buffer): Buffer =>
    account.flavour.scheme === 'caldav' ? restoreScheduling(body) : body,
};
