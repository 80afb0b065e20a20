/** One IMAP connection: writes commands, several in flight, and hands each its replies. Knows no mail. */
import type { Socket } from 'node:net';
import { Fault } from '../errors.js';
import { resetSocket } from '../wire/reset-socket.js';
import type { WayThere } from '../wire/unreachable.js';
import type { Command } from './command.js';
import { MAX_TEXT_BYTES } from './command.js';
import { CommandWriter } from './command-writer.js';
import { faultFromNetwork, faultFromReply, redact } from './faults.js';
import type { DataReply, StatusReply } from './reply.js';
import { expunged, readReply } from './reply.js';
import type { ReplyParts } from './reply-reader.js';
import { ReplyReader } from './reply-reader.js';

interface InFlight {
  readonly tag: string;
  readonly command: Command;
  readonly resolve: (reply: StatusReply) => void;
  readonly reject: (fault: Fault) => void;
}

/** `bye` and `closed` may be the server's answer to one poisonous message; the others are not. */
export type Ending = 'given up' | 'bye' | 'closed' | 'silence' | 'garbled';

export interface ConnectionOptions {
  /** Silence, in milliseconds, after which a connection with a command in flight counts as dead. */
  readonly replyMs: number;
  /** Strings that must not appear in faults. */
  readonly secrets: string[];
  /** Where the server is. */
  readonly way?: WayThere;
}

/** LITERAL- (RFC 7888) allows non-synchronising literals up to this many bytes. */
const LITERAL_MINUS_BYTES = 4096;
/** Some servers repeat theirs with each command. */
const MAX_ALERTS = 5;

export class ImapConnection {
  /** What the server asks to be shown to a person ([ALERT], RFC 9051, section 7.1): its first words of that, redacted. */
  readonly alerts: string[] = [];
  /** Messages in the selected folder, as the server counts them (EXISTS), less those that it has told to be gone since. */
  exists = 0;
  /** Upper case; empty until the server told. */
  capabilities: ReadonlySet<string> = new Set();
  readonly #options: ConnectionOptions;
  #socket: Socket;
  /** Below TLS. */
  readonly #raw: Socket;
  readonly #reader: ReplyReader;
  readonly #writer = new CommandWriter((bytes) => this.#goesUnasked(bytes));
  #inFlight: InFlight[] = [];
  #unsent: InFlight[] = [];
  #sending = false;
  #nextTag = 1;
  #dead: Fault | undefined;
  #ending: Ending | undefined;
  #awaitsHandshake = false;
  #unlisten: () => void = () => undefined;
  #greeting: { resolve: (reply: StatusReply) => void; reject: (fault: Fault) => void } | undefined;
  readonly #greeted: Promise<StatusReply>;

  /** `raw` is the socket below TLS, where `socket` is encrypted from its first byte. */
  constructor(socket: Socket, options: ConnectionOptions, raw: Socket = socket) {
    this.#options = options;
    this.#raw = raw;
    this.#reader = new ReplyReader(
      (parts) => this.#onParts(parts),
      () => Math.max(MAX_TEXT_BYTES, ...this.#inFlight.map(({ command }) => command.literalBytes ?? 0)),
    );
    this.#greeted = new Promise((resolve, reject) => {
      this.#greeting = { resolve, reject };
    });
    // The greeting may fail before anyone waits for it.
    this.#greeted.catch(() => undefined);
    this.#socket = socket;
    this.#listen(socket);
  }

  /** The fault that ended this connection. */
  get dead(): Fault | undefined {
    return this.#dead;
  }

  /** How it ended; undefined while it lives. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  greeting(): Promise<StatusReply> {
    return this.#greeted;
  }

  has(capability: string): boolean {
    return this.capabilities.has(capability);
  }

  /** The value of a capability such as `APPENDLIMIT=35651584`. */
  capabilityValue(name: string): string | undefined {
    for (const capability of this.capabilities) {
      if (capability.startsWith(`${name}=`)) return capability.slice(name.length + 1);
    }
    return undefined;
  }

  /**
   * Sends a command behind those in flight and waits for its tagged reply, whatever its status.
   * Throws `Fault` when the connection fails first.
   */
  execute(command: Command): Promise<StatusReply> {
    if (this.#dead) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      const entry: InFlight = { tag: `D${this.#nextTag++}`, command, resolve, reject };
      this.#unsent.push(entry);
      if (!this.#sending) void this.#send();
    });
  }

  /** As `execute`, and throws the server's NO or BAD as a `Fault`. */
  async run(command: Command): Promise<StatusReply> {
    const reply = await this.execute(command);
    if (reply.status === 'OK') return reply;
    throw this.fault(reply, command);
  }

  fault(reply: StatusReply, command: Command): Fault {
    const { secrets } = this.#options;
    return faultFromReply(reply, { command: command.name, phase: command.phase ?? 'other', secrets });
  }

  /**
   * Ends the connection at once; every command in flight throws `fault`. With one in flight it is reset: what the kernel
   * has not sent yet would land behind the back of whoever writes next.
   */
  destroy(fault: Fault, ending: Ending = 'given up'): void {
    if (this.#dead) return;
    this.#dead = fault;
    this.#ending = ending;
    const waiting = [...this.#inFlight, ...this.#unsent];
    if (waiting.length > 0) resetSocket(this.#raw);
    this.#socket.destroy();
    this.#inFlight = [];
    this.#unsent = [];
    this.#writer.stop();
    this.#greeting?.reject(fault);
    for (const entry of waiting) entry.reject(fault);
  }

  /**
   * Goes on over another socket, for STARTTLS. What the server sent before the handshake in the clear could
   * have been put there by anyone: if there is any, this throws (CVE-2011-0411 and its kin).
   */
  async upgrade(secure: (plain: Socket) => Promise<Socket>): Promise<void> {
    if (this.#dead) throw this.#dead;
    if (this.#reader.pending || this.#socket.readableLength > 0) throw injected();
    this.#awaitsHandshake = false;
    this.capabilities = new Set();
    const plain = this.#socket;
    this.#unlisten();
    plain.setTimeout(0);
    this.#socket = await secure(plain);
    this.#listen(this.#socket);
    // The connection may have been given up during the handshake.
    if (this.#dead) this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    const listeners = {
      data: (chunk: Buffer) => this.#onData(chunk),
      error: (cause: Error) => this.destroy(faultFromNetwork(this.#where(), cause, this.#options.way), 'closed'),
      close: () => this.destroy(this.#broken('the server closed it'), 'closed'),
      end: () => this.destroy(this.#broken('the server closed it'), 'closed'),
      timeout: () => this.#onSilence(),
    };
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
    this.#unlisten = () => {
      for (const [event, listener] of Object.entries(listeners)) socket.removeListener(event, listener);
    };
    socket.setTimeout(this.#options.replyMs);
  }

  #broken(why: string): Fault {
    return new Fault('unavailable', `the IMAP connection broke${this.#where()}: ${why}`);
  }

  #where(): string {
    const command = this.#inFlight[0]?.command.name;
    return command === undefined ? '' : ` during ${command}`;
  }

  #onSilence(): void {
    if (this.#inFlight.length === 0 && this.#greeting === undefined) return;
    this.destroy(this.#broken(`no sign of life for ${Math.round(this.#options.replyMs / 1000)} s`), 'silence');
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      const command = this.#inFlight[0]?.command.name ?? 'connecting';
      const fault = error instanceof Fault ? error : new Fault('internal', 'reading a reply', { cause: error });
      this.destroy(
        new Fault(fault.code, `${command}: ${fault.message}`, {
          cause: error,
          ...(fault.next ? { next: fault.next } : {}),
        }),
        'garbled',
      );
    }
  }

  #onParts(parts: ReplyParts): void {
    if (this.#dead) return;
    if (this.#awaitsHandshake) throw injected();
    const reply = readReply(parts);
    if (reply.kind === 'status' && reply.code?.name === 'ALERT') this.#noteAlert(reply.text);
    if (reply.kind === 'status' && reply.code?.name === 'CAPABILITY') this.#learn(reply.code.args.split(' '));
    if (reply.kind === 'data' && reply.name === 'CAPABILITY') this.#learn(reply.values.map(String));
    if (reply.kind === 'continue') this.#onContinue(reply.text);
    else if (reply.kind === 'data') this.#tell(reply);
    else if (reply.tag !== undefined) this.#onTagged(reply, reply.tag);
    else if (this.#greeting !== undefined) this.#onGreeting(reply);
    else if (reply.status === 'BYE' || reply.status === 'BAD') this.#onBye(reply);
    else this.#tell(reply);
  }

  /**
   * An untagged reply does not say whose it is, and servers run commands side by side where order does not
   * matter (Dovecot does with FETCH): all in flight are told, and take what is theirs by its content.
   */
  #tell(reply: DataReply | StatusReply): void {
    if (reply.kind === 'data' && reply.name === 'EXISTS') this.exists = reply.number ?? this.exists;
    else this.exists -= Math.min(this.exists, expunged(reply));
    let last: Command['onReply'];
    for (const { command } of this.#inFlight) {
      if (command.onReply !== last) command.onReply?.(reply);
      last = command.onReply;
    }
  }

  #noteAlert(text: string): void {
    const words = redact(text, this.#options.secrets);
    if (this.alerts.length < MAX_ALERTS && !this.alerts.includes(words)) this.alerts.push(words);
  }

  #learn(names: readonly string[]): void {
    this.capabilities = new Set(names.map((name) => name.toUpperCase()));
  }

  #onGreeting(reply: StatusReply): void {
    this.#greeting?.resolve(reply);
    this.#greeting = undefined;
    if (reply.status === 'BYE') this.#onBye(reply);
  }

  /** An untagged BAD belongs to no command we know: the two sides no longer agree where commands begin. */
  #onBye(reply: StatusReply): void {
    const command = this.#inFlight[0]?.command;
    const { secrets } = this.#options;
    const phase = command?.phase === 'login' || command === undefined ? 'login' : 'other';
    this.destroy(
      faultFromReply({ ...reply, status: 'BYE' }, { command: command?.name ?? 'connecting', phase, secrets }),
      'bye',
    );
  }

  #onTagged(reply: StatusReply, tag: string): void {
    const at = this.#inFlight.findIndex((entry) => entry.tag === tag);
    if (at === -1) throw new Fault('unavailable', 'the server answered a command that is not in flight');
    const [entry] = this.#inFlight.splice(at, 1) as [InFlight];
    this.#writer.answered(tag);
    this.#awaitsHandshake = entry.command.name === 'STARTTLS' && reply.status === 'OK';
    entry.resolve(reply);
  }

  #onContinue(text: string): void {
    if (this.#writer.proceed()) return;
    const answer = this.#inFlight.find(({ command }) => command.onContinue)?.command.onContinue?.(text);
    if (answer === undefined)
      throw new Fault('unavailable', 'the server sent a continuation request, but nothing is left to send');
    this.#socket.write(`${answer}\r\n`, 'latin1');
  }

  /** Writes what is unsent, one command after the other, at the pace of the socket. */
  async #send(): Promise<void> {
    this.#sending = true;
    for (let entry = this.#unsent.shift(); entry !== undefined; entry = this.#unsent.shift()) {
      this.#inFlight.push(entry);
      await this.#writer.write(this.#socket, entry.tag, entry.command);
    }
    this.#sending = false;
  }

  #goesUnasked(bytes: number): boolean {
    return this.has('LITERAL+') || (bytes <= LITERAL_MINUS_BYTES && (this.has('LITERAL-') || this.has('IMAP4REV2')));
  }
}

function injected(): Fault {
  return new Fault('unavailable', 'STARTTLS: the server sent data in the clear before encryption began', {
    next: 'someone may be altering the connection; use tls: implicit',
  });
}
