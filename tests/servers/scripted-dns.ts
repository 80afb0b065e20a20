/** A DNS server that knows a few SRV records, and nothing else. */
import { createSocket } from 'node:dgram';

export interface ScriptedDns {
  /** As `dns.setServers` takes it. */
  readonly address: string;
  stop(): Promise<void>;
}

export interface Srv {
  readonly host: string;
  readonly port: number;
}

/** `records` by the names asked for, e.g. `_caldavs._tcp.example.test`. */
export async function startScriptedDns(records: Readonly<Record<string, Srv>>): Promise<ScriptedDns> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5;
    const record = records[nameIn(query)];
    // One question; one answer, or none: no such name.
    const head = Buffer.from([
      ...query.subarray(0, 2),
      0x81,
      record ? 0x80 : 0x83,
      0,
      1,
      0,
      record ? 1 : 0,
      0,
      0,
      0,
      0,
    ]);
    const answer = record && query.readUInt16BE(end - 4) === SRV ? answerOf(record) : Buffer.alloc(0);
    if (answer.length === 0) head[7] = 0;
    socket.send(Buffer.concat([head, query.subarray(12, end), answer]), from.port, from.address);
  });
  await new Promise<void>((go) => socket.bind(0, '127.0.0.1', go));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    stop: () => new Promise((go) => socket.close(() => go())),
  };
}

const SRV = 33;

function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at]; at += (query[at] as number) + 1) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] as number)));
  }
  return labels.join('.').toLowerCase();
}

function answerOf({ host, port }: Srv): Buffer {
  const labels = host.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const data = Buffer.from([0, 0, 0, 0, port >> 8, port & 255, ...labels, 0]);
  // The name is that of the question.
  return Buffer.concat([Buffer.from([0xc0, 12, 0, SRV, 0, 1, 0, 0, 0, 60, 0, data.length]), data]);
}
