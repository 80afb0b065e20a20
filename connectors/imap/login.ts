/** Logging in: LOGIN, and SASL PLAIN (RFC 4616), XOAUTH2 (Google, Microsoft) and OAUTHBEARER (RFC 7628). */
import { Fault } from '../errors.js';
import type { Command } from './command.js';
import { quotedOrLiteral } from './command.js';
import type { ImapConnection } from './connection.js';
import { redact } from './faults.js';
import type { ImapOptions } from './manifest.js';

type Auth = ImapOptions['auth'];
type Mechanism = 'login' | 'plain' | 'xoauth2' | 'oauthbearer';

/** Logs in and learns what the server then offers. Throws `Fault`: `credentials`, `throttled`, `unavailable`, `spec`. */
export async function login(
  connection: ImapConnection,
  host: string,
  port: number,
  auth: Auth,
  secret: string,
): Promise<void> {
  if (connection.capabilities.size === 0) await connection.run({ name: 'CAPABILITY', pieces: ['CAPABILITY'] });
  const before = connection.capabilities;
  const mechanism = chooseMechanism(connection, auth);
  if (mechanism === 'login') await plainLogin(connection, auth.username, secret);
  else await authenticate(connection, mechanism, initialResponse(mechanism, auth, secret, host, port));
  // Most servers tell with their OK; what was offered before the login does not count after it.
  if (connection.capabilities === before) await connection.run({ name: 'CAPABILITY', pieces: ['CAPABILITY'] });
}

function chooseMechanism(connection: ImapConnection, auth: Auth): Mechanism {
  const wanted = auth.mechanism ?? 'auto';
  if (wanted !== 'auto') return wanted;
  if (auth.accessToken !== undefined) return connection.has('AUTH=OAUTHBEARER') ? 'oauthbearer' : 'xoauth2';
  if (connection.has('AUTH=PLAIN') || auth.authorizationId !== undefined) return 'plain';
  if (!connection.has('LOGINDISABLED')) return 'login';
  throw new Fault('spec', 'LOGIN: the server takes no password on this connection', {
    next: 'set tls to implicit or starttls; if it is, the server wants an access token',
  });
}

async function plainLogin(connection: ImapConnection, username: string, password: string): Promise<void> {
  const bytes = (text: string) => quotedOrLiteral(Buffer.from(text, 'utf8').toString('latin1'));
  await connection.run({ name: 'LOGIN', phase: 'login', pieces: ['LOGIN ', bytes(username), ' ', bytes(password)] });
}

function initialResponse(mechanism: Mechanism, auth: Auth, secret: string, host: string, port: number): string {
  const { username, authorizationId = '' } = auth;
  const text = {
    login: '',
    plain: `${authorizationId}\0${username}\0${secret}`,
    xoauth2: `user=${authorizationId || username}\x01auth=Bearer ${secret}\x01\x01`,
    // RFC 7628, section 3.1; in a GS2 header `,` and `=` are escaped (RFC 5801).
    oauthbearer: `n,a=${gs2(authorizationId || username)},\x01host=${host}\x01port=${port}\x01auth=Bearer ${secret}\x01\x01`,
  }[mechanism];
  return Buffer.from(text, 'utf8').toString('base64');
}

function gs2(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

async function authenticate(connection: ImapConnection, mechanism: Mechanism, response: string): Promise<void> {
  const name = `AUTHENTICATE ${mechanism.toUpperCase()}`;
  const atOnce = connection.has('SASL-IR');
  let sent = atOnce;
  let challenge = '';
  const command: Command = {
    name,
    phase: 'login',
    pieces: [atOnce ? `${name} ${response}` : name],
    onContinue(text) {
      if (!sent) {
        sent = true;
        return response;
      }
      // The server explains its refusal and wants an answer before it says NO: 0x01 (RFC 7628, section 3.2.3),
      // an empty line for XOAUTH2, and for PLAIN the sign to give up.
      challenge = Buffer.from(text, 'base64').toString('utf8');
      return { login: '*', plain: '*', xoauth2: '', oauthbearer: 'AQ==' }[mechanism];
    },
  };
  const reply = await connection.execute(command);
  if (reply.status === 'OK') return;
  const fault = connection.fault(reply, command);
  if (challenge === '') throw fault;
  throw new Fault(fault.code, `${fault.message} (${redact(challenge, [])})`, {
    ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }),
    next: fault.next ?? 'connect the account again: the access token was refused',
  });
}
