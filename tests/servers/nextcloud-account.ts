/** Sessions of the real connector on a Nextcloud of the tests. */

import type { Access, Target, Write, WriteAnswer } from '../../connectors/contract.js';
import type { FileBody, FileSource, FileTarget } from '../../connectors/kinds/files.js';
import { digestFile } from '../../connectors/kinds/files.js';
import { connector } from '../../connectors/nextcloud/index.js';
import type { NextcloudOptions } from '../../connectors/nextcloud/manifest.js';
import type { Nextcloud } from './nextcloud.js';
import { APP_PASSWORD } from './nextcloud.js';

export interface Sessions {
  source(options?: Partial<NextcloudOptions>): FileSource;
  target(options?: Partial<NextcloudOptions>): FileTarget;
  /** Ends all sessions that were opened. */
  close(): void;
}

/** `url`: of something that stands before the server. */
export function sessionsOn(nextcloud: Nextcloud, url = nextcloud.url): Sessions {
  const { login } = nextcloud;
  const access: Access = { account: login, kind: 'files', secret: async () => APP_PASSWORD };
  const auth = { username: login, password: { env: 'PASSWORD' } };
  const opened: { close(): void }[] = [];
  const kept = <T extends { close(): void }>(session: T): T => {
    opened.push(session);
    return session;
  };
  return {
    source: (options) => kept(connector.source({ url, auth, ...options }, access)),
    target: (options) => kept(connector.target({ url, auth, ...options }, access)),
    close: () => {
      for (const session of opened) session.close();
    },
  };
}

export const ROOT = { key: '/', path: [], validity: '1' };
export const TARGET_ROOT = { ...ROOT, created: false, items: 0 };

export function fileBody(path: string, content: string | Buffer, modified = '2021-03-04T05:06:07.000Z'): FileBody {
  const type = path.endsWith('/') ? 'folder' : 'file';
  return { type, path, bytes: type === 'folder' ? Buffer.alloc(0) : Buffer.from(content), modified };
}

/** A create; the token is the path. */
export function createOf(body: FileBody): Write<FileBody> {
  const { path, bytes, type, modified } = body;
  const meta = { type, ...(modified !== undefined && { modified }) };
  return { op: 'create', token: path, body, bytes: bytes.length, meta, digest: digestFile(body) };
}

export async function write(target: Target<FileBody>, writes: readonly Write<FileBody>[]): Promise<WriteAnswer[]> {
  const answers: WriteAnswer[] = [];
  for await (const answer of target.write(TARGET_ROOT, writes, NEVER)) answers.push(answer);
  return answers;
}

export const NEVER = new AbortController().signal;
