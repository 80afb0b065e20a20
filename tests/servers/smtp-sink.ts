/** Takes every mail and delivers none: what a server sends to people is counted. */

import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';

export interface SmtpSink {
  readonly port: number;
  /** Every mail so far, with its headers. */
  readonly mails: readonly string[];
  stop(): Promise<void>;
}

export async function startSmtpSink(): Promise<SmtpSink> {
  const mails: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => {});
    const say = (line: string): unknown => socket.write(`${line}\r\n`);
    let unread = '';
    let mail: string | undefined;
    say('220 sink');
    socket.on('data', (data) => {
      unread += data.toString('latin1');
      for (let end = unread.indexOf('\r\n'); end >= 0; end = unread.indexOf('\r\n')) {
        const line = unread.slice(0, end);
        unread = unread.slice(end + 2);
        if (mail !== undefined && line !== '.') mail += `${line}\n`;
        else if (mail !== undefined) {
          mails.push(mail);
          mail = undefined;
          say('250 ok');
        } else if (line.toUpperCase() === 'DATA') {
          mail = '';
          say('354 go on');
        } else if (line.toUpperCase() === 'QUIT') socket.end('221 bye\r\n');
        else say('250 ok');
      }
    });
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    stop: () =>
      new Promise((go) => {
        server.close(() => go());
        for (const socket of open) socket.destroy();
      }),
  };
}
