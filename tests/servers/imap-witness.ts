/** Looks into a test server's account, and changes it, with imapflow: no line of our own wire. */
import { ImapFlow } from 'imapflow';

export interface WitnessedMessage {
  readonly bytes: Buffer;
  readonly flags: readonly string[];
  readonly date?: string;
}

export class ImapWitness {
  readonly #client: ImapFlow;
  readonly #made = new Set<string>();

  private constructor(client: ImapFlow) {
    this.#client = client;
  }

  static async open(server: { host: string; port: number }, user: string, pass = 'secret'): Promise<ImapWitness> {
    const client = new ImapFlow({
      host: server.host,
      port: server.port,
      secure: false,
      auth: { user, pass },
      logger: false,
    });
    await client.connect();
    return new ImapWitness(client);
  }

  /** Adds a message, making its folder; tells its UID as ten digits. */
  async put(
    path: readonly string[],
    message: { readonly bytes: Buffer; readonly flags?: readonly string[]; readonly date?: string },
  ): Promise<string> {
    await this.#make(path);
    const date = message.date === undefined ? undefined : new Date(message.date);
    const stored = await this.#client.append([...path].join('/'), message.bytes, [...(message.flags ?? [])], date);
    if (!stored) throw new Error('the witness could not store a message');
    return String(stored.uid ?? (await this.#lastUid(path))).padStart(10, '0');
  }

  async setFlags(path: readonly string[], key: string, flags: readonly string[]): Promise<void> {
    await this.#in(path, () => this.#client.messageFlagsSet(String(Number(key)), [...flags], { uid: true }));
  }

  async remove(path: readonly string[], key: string): Promise<void> {
    await this.#in(path, () => this.#client.messageDelete(String(Number(key)), { uid: true }));
  }

  /** As a person moves a message; tells nothing, for it has a new UID there. */
  async move(path: readonly string[], key: string, to: readonly string[]): Promise<void> {
    await this.#make(to);
    await this.#in(path, () => this.#client.messageMove(String(Number(key)), to.join('/'), { uid: true }));
  }

  /** What tells whether anything was written to a folder. */
  async state(path: readonly string[]): Promise<string> {
    const query = { uidNext: true, uidValidity: true, messages: true, highestModseq: true };
    const status = await this.#client.status(path.join('/'), query);
    if (!status) throw new Error('the witness was not told the state of a folder');
    const { uidNext, uidValidity, messages, highestModseq } = status;
    return `uidnext ${uidNext}, uidvalidity ${uidValidity}, ${messages} messages, modseq ${highestModseq}`;
  }

  /** Everything in the folder; empty when there is none. */
  async messages(path: readonly string[]): Promise<WitnessedMessage[]> {
    const found: WitnessedMessage[] = [];
    const name = path.join('/');
    if (!(await this.#client.list()).some((folder) => folder.path === name)) return [];
    await this.#in(path, async () => {
      // RFC 9051: in an empty folder 1:* names no message, and FETCH is an error.
      if (this.#client.mailbox === false || this.#client.mailbox.exists === 0) return;
      for await (const one of this.#client.fetch('1:*', { source: true, flags: true, internalDate: true })) {
        const date = one.internalDate === undefined ? undefined : new Date(one.internalDate).toISOString();
        const flags = [...(one.flags ?? [])].filter((flag) => flag !== '\\Recent').sort();
        found.push({ bytes: one.source ?? Buffer.alloc(0), flags, ...(date === undefined ? {} : { date }) });
      }
    });
    return found;
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** For a server without UIDPLUS; nobody else writes here. */
  async #lastUid(path: readonly string[]): Promise<number> {
    const uids = await this.#in(path, () => this.#client.search({ all: true }, { uid: true }));
    const last = uids ? uids[uids.length - 1] : undefined;
    if (last === undefined) throw new Error('the witness cannot find the message it stored');
    return last;
  }

  async #make(path: readonly string[]): Promise<void> {
    const name = path.join('/');
    if (name === 'INBOX' || this.#made.has(name)) return;
    await this.#client.mailboxCreate([...path]);
    this.#made.add(name);
  }

  async #in<T>(path: readonly string[], step: () => Promise<T>): Promise<T> {
    const lock = await this.#client.getMailboxLock(path.join('/'));
    try {
      return await step();
    } finally {
      lock.release();
    }
  }
}
