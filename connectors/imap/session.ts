/** One logged-in connection to one account: made when first needed, remade when it had ended before a call. */
import type { Access } from '../contract.js';
import { Fault } from '../errors.js';
import { refusal, refusedLogin } from '../wire/refused-login.js';
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
import { dial } from './dial.js';
import { introduce } from './introduce.js';
import { login } from './login.js';
import type { ImapOptions } from './manifest.js';
import type { DataReply, StatusReply } from './reply.js';
import { asList, asText } from './reply.js';
import { imapPort, wayTo } from './way.js';

/** The folder that FETCH and STORE now speak of. */
export interface Selected {
  readonly name: string;
  readonly validity: string;
  /** Absent when the server did not say, which means all (RFC 9051, section 7.1). */
  permanentFlags?: ReadonlySet<string>;
  readonly readOnly: boolean;
}

export interface Namespace {
  /** Raw, e.g. `INBOX.`; empty where folders stand at the root. */
  readonly prefix: string;
  /** Absent where the server has no hierarchy. */
  readonly delimiter?: string;
  /** Prefixes of other people's and shared folders. */
  readonly foreign: readonly string[];
}

export class ImapSession {
  readonly options: ImapOptions;
  readonly access: Access;
  readonly #extensions: readonly string[];
  readonly #secrets: string[] = [];
  #connection: ImapConnection | undefined;
  #opening: ImapConnection | undefined;
  #closed: Fault | undefined;
  #selected: Selected | undefined;
  #namespace: Namespace = { prefix: '', foreign: [] };
  #enabled: ReadonlySet<string> = new Set();
  #server: string | undefined;

  /** `extensions`: what to ENABLE where it is offered, the first of them that is. */
  constructor(options: ImapOptions, access: Access, extensions: readonly string[]) {
    this.options = options;
    this.access = access;
    this.#extensions = extensions;
  }

  get selected(): Selected | undefined {
    return this.#selected;
  }

  get namespace(): Namespace {
    return this.#namespace;
  }

  /** What the server calls itself (ID, RFC 2971). */
  get server(): string | undefined {
    return this.#server;
  }

  enabled(extension: string): boolean {
    return this.#enabled.has(extension);
  }

  /** Host and port, as places are named. */
  get system(): string {
    return `imap://${this.options.host.toLowerCase()}:${imapPort(this.options)}`;
  }

  close(): void {
    this.#closed ??= new Fault('unavailable', 'the IMAP session was closed');
    this.#destroy(this.#closed);
  }

  #destroy(fault: Fault): void {
    this.#opening?.destroy(fault);
    this.#connection?.destroy(fault);
  }

  /**
   * Ties the connection to `signal` until the function returned is called. An abort cuts the connection:
   * a literal that was begun cannot be taken back.
   */
  watch(signal: AbortSignal): () => void {
    const stop = () => this.#destroy(stopped(signal));
    this.check(signal);
    signal.addEventListener('abort', stop, { once: true });
    return () => signal.removeEventListener('abort', stop);
  }

  /** Throws when the session was closed or the call given up: what was read ahead must not go out then. */
  check(signal: AbortSignal): void {
    if (this.#closed) throw this.#closed;
    if (signal.aborted) throw stopped(signal);
  }

  /** The connection, logged in. Throws `Fault`. */
  async ready(signal: AbortSignal): Promise<ImapConnection> {
    this.check(signal);
    if (this.#connection && !this.#connection.dead) return this.#connection;
    this.#connection = undefined;
    this.#selected = undefined;
    const connection = await this.#open(signal);
    this.#connection = connection;
    return connection;
  }

  async #open(signal: AbortSignal): Promise<ImapConnection> {
    const { auth, host } = this.options;
    const ref = auth.password ?? auth.accessToken;
    if (ref === undefined) throw new Fault('spec', 'auth names neither password nor accessToken');
    const secret = await this.access.secret(ref, signal);
    this.#secrets.splice(0, this.#secrets.length, secret);
    try {
      const connection = await dial(
        this.options,
        this.#secrets,
        (opening) => {
          this.#opening = opening;
          if (this.#closed) opening.destroy(this.#closed);
          else if (signal.aborted) opening.destroy(stopped(signal));
        },
        this.access.patienceMs,
      );
      try {
        await login(connection, host, imapPort(this.options), auth, secret);
      } catch (error) {
        throw this.#loginFault(error);
      }
      await this.#prepare(connection);
      return connection;
    } catch (error) {
      this.#opening?.destroy(error instanceof Fault ? error : new Fault('internal', 'logging in', { cause: error }));
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }

  /** A refusal says which login it is about; what the server says comes behind. */
  #loginFault(error: unknown): unknown {
    if (!(error instanceof Fault) || error.code !== 'credentials') return error;
    const { auth } = this.options;
    const { account } = this.access;
    const said = refusal(auth, account);
    return new Fault('credentials', `${wayTo(this.options).at} ${refusedLogin(auth, account)}: ${error.message}`, {
      ...said,
      ...(error.next !== undefined && { next: `${error.next}; ${said.next}` }),
      cause: error,
    });
  }

  /** One round trip for what every session needs to know. */
  async #prepare(connection: ImapConnection): Promise<void> {
    const extension = connection.has('ENABLE') ? this.#extensions.find((name) => connection.has(name)) : undefined;
    const enabled = new Set<string>();
    const enable =
      extension === undefined
        ? Promise.resolve()
        : connection.execute({
            name: 'ENABLE',
            pieces: [`ENABLE ${extension}`],
            onReply: (reply) => {
              if (reply.kind === 'data' && reply.name === 'ENABLED')
                for (const name of reply.values) enabled.add(asText(name).toUpperCase());
            },
          });
    const [namespace, server] = await Promise.all([this.#askNamespace(connection), introduce(connection), enable]);
    this.#namespace = namespace;
    this.#server = server;
    this.#enabled = enabled;
  }

  async #askNamespace(connection: ImapConnection): Promise<Namespace> {
    const given = this.options.prefix;
    const replies: DataReply[] = [];
    const collect = (reply: DataReply | StatusReply) => {
      if (reply.kind === 'data') replies.push(reply);
    };
    if (connection.has('NAMESPACE')) {
      await connection.run({ name: 'NAMESPACE', pieces: ['NAMESPACE'], onReply: collect });
      const values = replies.find((reply) => reply.name === 'NAMESPACE')?.values ?? [];
      const [prefix, delimiter] = asList(asList(values[0])[0]);
      const foreign = [...asList(values[1]), ...asList(values[2])].map((entry) => asText(asList(entry)[0]));
      return {
        prefix: given ?? (prefix === undefined ? '' : asText(prefix)),
        ...(typeof delimiter === 'string' && delimiter !== '' ? { delimiter } : {}),
        foreign: foreign.filter((name) => name !== ''),
      };
    }
    // RFC 9051, section 6.3.9.2: an empty name asks for the delimiter.
    await connection.run({ name: 'LIST', pieces: ['LIST "" ""'], onReply: collect });
    const delimiter = replies.find((reply) => reply.name === 'LIST')?.values[1];
    return {
      prefix: given ?? '',
      ...(typeof delimiter === 'string' && delimiter !== '' ? { delimiter } : {}),
      foreign: [],
    };
  }

  /**
   * Selects a folder: EXAMINE for `read`, which changes nothing in it, SELECT for `write`. A folder that is
   * selected already is taken as it is, unless `fresh` asks for what arrived since. Throws `Fault('not-found')`.
   */
  async select(connection: ImapConnection, name: string, mode: 'read' | 'write', fresh = false): Promise<Selected> {
    if (!fresh && this.#selected?.name === name) return this.#selected;
    this.#selected = undefined;
    const seen: { validity: string; permanentFlags?: ReadonlySet<string> } = { validity: '' };
    const verb = mode === 'read' ? 'EXAMINE' : 'SELECT';
    connection.exists = 0;
    const reply = await connection.run({
      name: verb,
      pieces: [`${verb} `, astring(name)],
      onReply(reply) {
        if (reply.kind === 'status' && reply.code?.name === 'UIDVALIDITY') seen.validity = reply.code.args;
        const flags = permanentFlags(reply);
        if (flags) seen.permanentFlags = flags;
      },
    });
    this.#selected = { ...seen, name, readOnly: reply.code?.name === 'READ-ONLY' };
    return this.#selected;
  }

  /**
   * Leaves the selected folder, and removes nothing. Of a selected folder STATUS need not tell what came since
   * (RFC 9051, section 6.3.11): Dovecot tells what the session has seen, also of one that was taken from its disk.
   */
  async leave(connection: ImapConnection): Promise<void> {
    if (this.#selected === undefined) return;
    const verb = connection.has('UNSELECT') ? 'UNSELECT' : 'CLOSE';
    // After EXAMINE, CLOSE removes nothing (RFC 9051, section 6.4.1).
    if (verb === 'CLOSE' && !this.#selected.readOnly) await this.select(connection, this.#selected.name, 'read', true);
    this.#selected = undefined;
    await connection.run({ name: verb, pieces: [verb] });
  }

  /** Takes notice of what the server says unasked about the selected folder. */
  notice(reply: DataReply | StatusReply): void {
    const selected = this.#selected;
    if (!selected) return;
    const flags = permanentFlags(reply);
    if (flags) selected.permanentFlags = flags;
  }
}

function permanentFlags(reply: DataReply | StatusReply): ReadonlySet<string> | undefined {
  if (reply.kind !== 'status' || reply.code?.name !== 'PERMANENTFLAGS') return undefined;
  const inner = reply.code.args.replace(/^\(/, '').replace(/\)$/, '');
  return new Set(inner.split(' ').filter((flag) => flag !== ''));
}

function stopped(signal: AbortSignal): Fault {
  return new Fault('unavailable', 'the IMAP connection was given up on request', { cause: signal.reason });
}
