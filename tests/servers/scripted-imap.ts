/** An IMAP server that says what a test tells it to: for replies that no installed server gives. */
import type { Socket } from 'node:net';
import { createServer } from 'node:net';

export interface ScriptedCommand {
  readonly tag: string;
  /** Without tag; each literal as `<n bytes>`. */
  readonly text: string;
  readonly send: (text: string) => void;
  readonly socket: Socket;
}

export interface ScriptedImap {
  readonly host: string;
  readonly port: number;
  /** Every line received, without tags; SASL answers too. */
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

export interface Script {
  /** Null: it never greets. */
  readonly greeting?: string | null;
  readonly capabilities?: string;
  /**
   * What to say to a command, with its line ends; true when it was answered or shall not be, false to leave it
   * to the default, which logs anyone in and knows an empty INBOX.
   */
  readonly answer?: (command: ScriptedCommand) => boolean | string;
  /** What to say instead of asking for a literal that waits to be asked for; undefined asks for it. */
  readonly refuseLiteral?: (command: { readonly tag: string; readonly bytes: number }) => string | undefined;
}

export async function startScriptedImap({
  greeting,
  capabilities = 'IMAP4rev1',
  answer,
  refuseLiteral,
}: Script): Promise<ScriptedImap> {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    if (greeting !== null) socket.write(`${greeting ?? `* OK [CAPABILITY ${capabilities}] ready`}\r\n`);
    const send = (text: string) => void socket.write(text, 'latin1');
    const onLine = (line: string) => {
      const [, tag = '', text = ''] = /^(\S+) (.*)$/s.exec(line) ?? ['', '', line];
      lines.push(text === '' ? line : text);
      const said = answer?.({ tag, text, send, socket }) ?? false;
      if (typeof said === 'string') send(said);
      else if (!said) byDefault(tag, text, capabilities, send);
    };
    readCommands({ socket, send, onLine, refuseLiteral });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1');
  return {
    host: '127.0.0.1',
    port: address.port,
    lines,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Reading extends Pick<ScriptedCommand, 'socket' | 'send'> {
  readonly onLine: (line: string) => void;
  readonly refuseLiteral: Script['refuseLiteral'] | undefined;
}

/** Calls `onLine` for each command, after its literals; asks for those that wait to be asked for. */
function readCommands({ socket, send, onLine, refuseLiteral }: Reading): void {
  let buffered = '';
  let line = '';
  let literal = 0;
  socket.on('data', (chunk) => {
    buffered += chunk.toString('latin1');
    for (;;) {
      if (literal > 0) {
        if (buffered.length < literal) return;
        buffered = buffered.slice(literal);
        literal = 0;
      }
      const end = buffered.indexOf('\r\n');
      if (end === -1) return;
      const piece = buffered.slice(0, end);
      buffered = buffered.slice(end + 2);
      const announced = /~?\{(\d+)(\+?)\}$/.exec(piece);
      if (announced) {
        line += `${piece.slice(0, announced.index)}<${announced[1]} bytes>`;
        const bytes = Number(announced[1]);
        const waits = announced[2] === '';
        const refusal = waits ? refuseLiteral?.({ tag: line.split(' ')[0] as string, bytes }) : undefined;
        if (refusal === undefined) literal = bytes;
        else line = '';
        if (waits) send(refusal ?? '+ go on\r\n');
        continue;
      }
      onLine(line + piece);
      line = '';
    }
  });
}

function byDefault(tag: string, text: string, capabilities: string, send: (text: string) => void): void {
  const verb = text.toUpperCase();
  if (verb === 'CAPABILITY') send(`* CAPABILITY ${capabilities}\r\n`);
  if (verb.startsWith('LIST "" ""')) send('* LIST (\\Noselect) "/" ""\r\n');
  else if (verb.startsWith('LIST')) send('* LIST () "/" INBOX\r\n');
  if (verb.startsWith('STATUS')) send('* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)\r\n');
  if (/^(SELECT|EXAMINE)/.test(verb)) send('* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n');
  if (tag !== '') send(`${tag} OK done\r\n`);
}
