/**
 * An IMAP server in this process that keeps mail in memory and lies about it, folder by folder, as a test tells it to:
 * what it counts, names, describes and gives need not agree. It takes what it is sent, so it serves as a target too.
 */
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { expandSet } from '../../connectors/imap/sequence-set.js';

export interface KeptMessage {
  readonly uid: number;
  readonly bytes: Buffer;
  /** As on the wire, e.g. `\Seen $Forwarded`. */
  flags: string;
  /** As on the wire, with its quotes. */
  date: string;
}

/** What is said of one message, as on the wire. */
export interface Told {
  readonly number: number;
  readonly uid: number;
  readonly flags: string;
  readonly date: string;
  readonly size: string;
}

/** `time` counts from 1 how often this was asked. Absent: the truth. */
export interface Lies {
  /** What SELECT, EXAMINE and STATUS count. */
  count?(held: number, time: number): number;
  /** What SEARCH names, of the UIDs that were asked for. */
  search?(uids: readonly number[], time: number): readonly number[];
  /** The untagged replies about one message, without their line ends. */
  describe?(told: Told, time: number): readonly string[];
  /** In which order, and how often, the replies to one FETCH go out. */
  arrange?(replies: readonly Buffer[]): readonly Buffer[];
  /** The value of BODY[]; text goes out as it is; undefined: the message is left out. */
  body?(message: KeptMessage, time: number): Buffer | string | undefined;
  /** The tagged reply to a command instead of OK; it then does nothing. */
  refuse?(command: string): string | undefined;
  /** Before each command while the folder is selected: others may put something there or take it away. */
  meanwhile?(folder: LyingFolder, command: string): void;
}

export class LyingFolder {
  readonly messages: KeptMessage[] = [];
  readonly lies: Lies;
  readonly attributes: string;
  uidNext = 1;
  readonly times = new Map<string, number>();

  constructor(lies: Lies = {}, attributes = '') {
    this.lies = lies;
    this.attributes = attributes;
  }

  put(bytes: Buffer, { flags = '\\Seen', date = '"03-Mar-2020 10:11:12 +0100"' } = {}): number {
    const uid = this.uidNext++;
    this.messages.push({ uid, bytes, flags, date });
    return uid;
  }

  take(uid: number): void {
    const at = this.messages.findIndex((one) => one.uid === uid);
    if (at !== -1) this.messages.splice(at, 1);
  }

  time(what: string): number {
    const time = (this.times.get(what) ?? 0) + 1;
    this.times.set(what, time);
    return time;
  }
}

export interface LyingImap {
  readonly host: string;
  readonly port: number;
  readonly folders: Map<string, LyingFolder>;
  /** Every command received, without its tag; a literal as `{n}`. */
  readonly commands: readonly string[];
  stop(): Promise<void>;
}

export interface Account {
  readonly folders: Readonly<Record<string, LyingFolder>>;
  readonly capabilities?: string;
}

export async function startLyingImap(account: Account): Promise<LyingImap> {
  const capabilities = `IMAP4rev1 LITERAL+ UIDPLUS ${account.capabilities ?? ''}`.trim();
  const folders = new Map(Object.entries(account.folders));
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    socket.write(`* OK [CAPABILITY ${capabilities}] ready\r\n`);
    const session = new Session(folders, capabilities, (bytes) => void socket.write(bytes));
    readCommands(socket, (tag, text, literals) => {
      commands.push(text);
      session.answer(tag, text, literals);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1');
  return {
    host: '127.0.0.1',
    port: address.port,
    folders,
    commands,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readCommands(
  socket: Socket,
  onCommand: (tag: string, text: string, literals: readonly Buffer[]) => void,
): void {
  let buffered = Buffer.alloc(0);
  let line = '';
  let literals: Buffer[] = [];
  let literal: number | undefined;
  socket.on('data', (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (;;) {
      if (literal !== undefined) {
        if (buffered.length < literal) return;
        literals.push(Buffer.from(buffered.subarray(0, literal)));
        buffered = buffered.subarray(literal);
        literal = undefined;
      }
      const end = buffered.indexOf('\r\n');
      if (end === -1) return;
      const piece = buffered.toString('latin1', 0, end);
      buffered = buffered.subarray(end + 2);
      const announced = /\{(\d+)\+\}$/.exec(piece);
      if (announced) {
        line += `${piece.slice(0, announced.index)}{${announced[1]}}`;
        literal = Number(announced[1]);
        continue;
      }
      const [, tag = '', text = ''] = /^(\S+) (.*)$/s.exec(line + piece) ?? [];
      onCommand(tag, text, literals);
      line = '';
      literals = [];
    }
  });
}

class Session {
  readonly #folders: Map<string, LyingFolder>;
  readonly #capabilities: string;
  readonly #send: (bytes: Buffer) => void;
  #selected: LyingFolder | undefined;
  #known: readonly number[] = [];

  constructor(folders: Map<string, LyingFolder>, capabilities: string, send: (bytes: Buffer) => void) {
    this.#folders = folders;
    this.#capabilities = capabilities;
    this.#send = send;
  }

  answer(tag: string, text: string, literals: readonly Buffer[]): void {
    const command = /^(UID )?\S+/.exec(text)?.[0].toUpperCase() ?? '';
    const args = text.slice(command.length + 1);
    const folder = this.#selected;
    const refusal = folder?.lies.refuse?.(text);
    if (refusal === undefined) folder?.lies.meanwhile?.(folder, command);
    const result = refusal ?? this.#run(command, args, literals);
    // As Dovecot does: what others did meanwhile is told after the answer, right before its end.
    if (this.#selected === folder && folder) this.#sync(folder);
    this.#say(`${tag} ${result}`);
  }

  #say(line: string): void {
    this.#send(Buffer.from(`${line}\r\n`, 'latin1'));
  }

  #sync(folder: LyingFolder): void {
    const now = folder.messages.map(({ uid }) => uid);
    const left = [...this.#known];
    for (let at = left.length - 1; at >= 0; at--) {
      if (now.includes(left[at] as number)) continue;
      this.#say(`* ${at + 1} EXPUNGE`);
      left.splice(at, 1);
    }
    if (now.length !== left.length) this.#say(`* ${this.#count(folder)} EXISTS`);
    this.#known = now;
  }

  #count(folder: LyingFolder): number {
    const held = folder.messages.length;
    return folder.lies.count?.(held, folder.time('count')) ?? held;
  }

  #run(command: string, args: string, literals: readonly Buffer[]): string {
    const [name = '', rest = ''] = firstArgument(args);
    const folder = this.#folders.get(name);
    switch (command) {
      case 'CAPABILITY':
        this.#say(`* CAPABILITY ${this.#capabilities}`);
        return 'OK';
      case 'LIST':
        if (args.startsWith('"" ""')) this.#say('* LIST (\\Noselect) "/" ""');
        else for (const [raw, { attributes }] of this.#folders) this.#say(`* LIST (${attributes}) "/" "${raw}"`);
        return 'OK';
      case 'CREATE':
        if (folder) return 'NO [ALREADYEXISTS] it exists';
        this.#folders.set(name, new LyingFolder());
        return 'OK';
      case 'STATUS':
        if (!folder) return 'NO [NONEXISTENT] no such folder';
        this.#say(
          `* STATUS "${name}" (MESSAGES ${this.#count(folder)} UIDNEXT ${folder.uidNext} UIDVALIDITY 7${this.#capabilities.includes('CONDSTORE') ? ' HIGHESTMODSEQ 5' : ''})`,
        );
        return 'OK';
      case 'SELECT':
      case 'EXAMINE':
        if (!folder) return 'NO [NONEXISTENT] no such folder';
        this.#selected = folder;
        this.#known = folder.messages.map(({ uid }) => uid);
        this.#say(`* ${this.#count(folder)} EXISTS`);
        this.#say(`* OK [UIDVALIDITY 7] valid`);
        return `OK [READ-${command === 'SELECT' ? 'WRITE' : 'ONLY'}] open`;
      case 'CLOSE':
        this.#selected = undefined;
        return 'OK';
      case 'APPEND': {
        if (!folder) return 'NO [TRYCREATE] no such folder';
        const flags = /\(([^)]*)\)/.exec(rest)?.[1] ?? '';
        const date = /"[^"]*"/.exec(rest)?.[0] ?? '"01-Jan-2026 00:00:00 +0000"';
        return `OK [APPENDUID 7 ${folder.put(literals[literals.length - 1] as Buffer, { flags, date })}] stored`;
      }
      case 'UID SEARCH':
        return this.#search(args);
      case 'UID FETCH':
        return this.#fetch(args);
      case 'UID STORE':
        return this.#store(args);
      case 'UID COPY':
        return this.#copy(args);
      case 'UID EXPUNGE':
        for (const { uid, flags } of this.#named(args)) if (/\\Deleted/i.test(flags)) this.#selected?.take(uid);
        return 'OK';
      default:
        return 'OK done';
    }
  }

  #named(set: string): KeptMessage[] {
    const folder = this.#selected as LyingFolder;
    const last = folder.messages.at(-1)?.uid ?? 0;
    const wanted = new Set(expandSet(set.replaceAll('*', String(last)), 100_000));
    return folder.messages.filter(({ uid }) => wanted.has(uid));
  }

  #search(args: string): string {
    const folder = this.#selected as LyingFolder;
    const uids = this.#named(args.slice(args.lastIndexOf(' ') + 1)).map(({ uid }) => uid);
    const said = folder.lies.search?.(uids, folder.time('search')) ?? uids;
    this.#say(
      args.startsWith('RETURN')
        ? `* ESEARCH UID${said.length > 0 ? ` ALL ${said.join(',')}` : ''}`
        : `* SEARCH ${said.join(' ')}`,
    );
    return 'OK';
  }

  #fetch(args: string): string {
    const folder = this.#selected as LyingFolder;
    const { lies } = folder;
    const [set = '', items = ''] = [args.slice(0, args.indexOf(' ')), args.slice(args.indexOf(' ') + 1)];
    const replies: Buffer[] = [];
    for (const message of this.#named(set)) {
      const number = folder.messages.indexOf(message) + 1;
      const { uid, flags, date, bytes } = message;
      if (!items.includes('BODY')) {
        const told = { number, uid, flags, date, size: String(bytes.length) };
        const said = lies.describe?.(told, folder.time(`describe ${uid}`)) ?? [inOneReply(told)];
        replies.push(...said.map((one) => Buffer.from(`${one}\r\n`, 'latin1')));
        continue;
      }
      const body = lies.body ? lies.body(message, folder.time(`body ${uid}`)) : bytes;
      if (body === undefined) continue;
      const literal =
        typeof body === 'string' ? [Buffer.from(body, 'latin1')] : [Buffer.from(`{${body.length}}\r\n`), body];
      replies.push(
        Buffer.concat([Buffer.from(`* ${number} FETCH (UID ${uid} BODY[] `), ...literal, Buffer.from(')\r\n')]),
      );
    }
    for (const reply of lies.arrange?.(replies) ?? replies) this.#send(reply);
    return 'OK fetched';
  }

  #store(args: string): string {
    const [, set = '', sign = '', flags = ''] = /^(\S+) ([+-])FLAGS\S* \((.*)\)$/.exec(args) ?? [];
    for (const message of this.#named(set)) {
      const changed = new Set(message.flags.split(' ').filter(Boolean));
      for (const flag of flags.split(' ')) sign === '+' ? changed.add(flag) : changed.delete(flag);
      message.flags = [...changed].join(' ');
    }
    return 'OK';
  }

  #copy(args: string): string {
    const [set = '', name = ''] = args.split(' ');
    const to = this.#folders.get(name.replaceAll('"', ''));
    if (!to) return 'NO [TRYCREATE] no such folder';
    const messages = this.#named(set);
    const copies = messages.map(({ bytes, flags, date }) => to.put(bytes, { flags, date }));
    return `OK [COPYUID 7 ${messages.map(({ uid }) => uid).join(',')} ${copies.join(',')}] copied`;
  }
}

function firstArgument(args: string): [string, string] {
  const quoted = /^"((?:[^"\\]|\\.)*)" ?/.exec(args);
  if (quoted) return [(quoted[1] as string).replace(/\\(.)/g, '$1'), args.slice(quoted[0].length)];
  const [word = ''] = args.split(' ');
  return [word, args.slice(word.length + 1)];
}

export function inOneReply({ number, uid, flags, date, size }: Told): string {
  return `* ${number} FETCH (UID ${uid} FLAGS (${flags}) INTERNALDATE ${date} RFC822.SIZE ${size})`;
}

/** A small message that differs from its neighbours. */
export function message(n: number): Buffer {
  const header = `From: a${n}@example.org\r\nTo: b@example.org\r\nSubject: fake ${n}\r\nMessage-ID: <fake${n}@example.org>`;
  return Buffer.from(`${header}\r\nDate: Tue, 03 Mar 2020 10:11:12 +0100\r\n\r\ntext ${n}\r\n`);
}

/** A folder with `count` messages. */
export function folderOf(count: number, lies: Lies = {}, attributes = ''): LyingFolder {
  const folder = new LyingFolder(lies, attributes);
  for (let n = 1; n <= count; n++) folder.put(message(n));
  return folder;
}
