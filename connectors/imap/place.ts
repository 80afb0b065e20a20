/** The account as a place: where it is, and whose mailbox the login opens; never only what a spec calls it. */
import type { Place } from '../contract.js';
import type { ImapSession } from './session.js';

/** Logs in. Throws `Fault`. */
export async function place(session: ImapSession, signal: AbortSignal): Promise<Place> {
  const unwatch = session.watch(signal);
  try {
    await session.ready(signal);
    const mailbox = mailboxOf(session.options, session.access.account);
    return { proof: `${session.system}/${mailbox}`, system: session.system };
  } finally {
    unwatch();
  }
}

interface Login {
  readonly auth: { readonly username: string; readonly authorizationId?: string };
  readonly prefix?: string;
}

/** What stands between the account and a master user: `anna*admin` (Dovecot), `old\anna`, `boss/anna` (Exchange). */
const BETWEEN_NAMES = /[*/\\%!]/;

/**
 * Two logins are two mailboxes, whatever the accounts are called; only a master user opens that of the account he names:
 * in the login, as the one to act for, or by a prefix such as `user/anna/`.
 */
export function mailboxOf({ auth, prefix = '' }: Login, account: string): string {
  const login = auth.authorizationId ?? auth.username;
  if (login.split(BETWEEN_NAMES).includes(account)) return account;
  return prefix.includes(account) ? `${login}/${account}` : login;
}
