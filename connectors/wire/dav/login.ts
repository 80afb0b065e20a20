/** What a request shows of the login: name and password (Basic, or Digest where the server wants it), or a token (Bearer). */
import type { Access } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { Challenge } from './digest.js';
import { answerTo, challengeIn } from './digest.js';
import type { DavOptions } from './options.js';

/** A secret is looked up anew so often: for each of thousands of small files it would cost more than its request. */
const SECRET_MS = 1_000;

/** Servers take the same nonce for minutes. */
const FRESH_MS = 60_000;

export class DavLogin {
  readonly #auth: DavOptions['auth'];
  readonly #access: Access;
  /** What was sent as a secret: servers have been seen to quote requests in their refusals. */
  readonly secrets = new Set<string>();
  #known: { readonly secret: string; readonly until: number } | undefined;
  #challenge: { readonly by: Challenge; readonly at: number; used: number } | undefined;

  constructor(auth: DavOptions['auth'], access: Access) {
    this.#auth = auth;
    this.#access = access;
  }

  /** `Authorization` of one request; `uri`: its path and query, as they are sent. */
  async header(method: string, uri: string, signal: AbortSignal): Promise<string> {
    const { username = '', accessToken } = this.#auth ?? {};
    const secret = await this.#secret(signal);
    if (accessToken) return `Bearer ${secret}`;
    if (this.#challenge) {
      this.#challenge.used++;
      return answerTo(this.#challenge.by, { username, password: secret }, method, uri, this.#challenge.used);
    }
    const sent = Buffer.from(`${username}:${secret}`).toString('base64');
    this.secrets.add(sent);
    return `Basic ${sent}`;
  }

  /** Whether the next request may be asked for a new answer: what goes as a stream goes only once. */
  get mayBeChallenged(): boolean {
    return this.#challenge !== undefined && performance.now() - this.#challenge.at > FRESH_MS;
  }

  /** After 401: whether the request that showed `sent` may go once more, with the answer to a challenge. */
  challenged(sent: string, header: string | undefined): boolean {
    this.#known = undefined;
    const by = this.#auth?.accessToken ? undefined : challengeIn(header);
    if (!by) return false;
    const now = this.#challenge;
    const digest = sent.startsWith('Digest ');
    // Another request has met a newer one meanwhile.
    if (digest && now && !sent.includes(`nonce="${now.by.nonce}"`)) return true;
    // A nonce that served before may have run out, whether the server says so or not; else the password is wrong.
    if (digest && now && !by.stale && (now.used <= 1 || by.nonce === now.by.nonce)) return false;
    this.#challenge = { by, at: performance.now(), used: 0 };
    return true;
  }

  async #secret(signal: AbortSignal): Promise<string> {
    if (this.#known && performance.now() < this.#known.until) return this.#known.secret;
    const { password, accessToken } = this.#auth ?? {};
    const ref = accessToken ?? password;
    if (!ref) throw new Fault('spec', 'auth names neither password nor accessToken');
    const secret = await this.#access.secret(ref, signal);
    this.secrets.add(secret);
    this.#known = { secret, until: performance.now() + SECRET_MS };
    return secret;
  }
}
