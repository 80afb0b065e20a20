/**
 * Real servers that write into the file itself: WsgiDAV, from PyPI, and golang.org/x/net/webdav, built here where there is a
 * Go toolchain. Both let anybody in, and keep what they hold in `folder`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DavServer } from './dav-server.js';
import { freePort, startListening } from './dav-server.js';

/** What was installed or built once is used again. */
const KEPT = join(tmpdir(), 'drover-test-servers');
const WSGIDAV = 'wsgidav==4.3.3';

export async function startWsgiDav(): Promise<DavServer> {
  const packages = join(KEPT, WSGIDAV);
  if (!existsSync(join(packages, 'wsgidav'))) {
    const args = ['-m', 'pip', 'install', '--quiet', '--target', packages, WSGIDAV, 'cheroot'];
    execFileSync('python3', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return start('wsgidav-', (folder, port) => ({
    command: 'python3',
    args: [
      '-m',
      'wsgidav.server.server_cli',
      '--host=127.0.0.1',
      `--port=${port}`,
      `--root=${folder}`,
      '--auth=anonymous',
      '--no-config',
    ],
    env: { PYTHONPATH: packages },
  }));
}

export const hasGo = spawnSync('go', ['version']).status === 0;

const MAIN = `package main

import (
	"net/http"
	"os"

	"golang.org/x/net/webdav"
)

func main() {
	handler := &webdav.Handler{FileSystem: webdav.Dir(os.Args[1]), LockSystem: webdav.NewMemLS()}
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[2], handler))
}
`;

export async function startGoWebdav(): Promise<DavServer> {
  const source = join(KEPT, 'go-webdav');
  const command = join(source, 'webdav');
  if (!existsSync(command)) {
    await mkdir(source, { recursive: true });
    await writeFile(join(source, 'main.go'), MAIN);
    await writeFile(join(source, 'go.mod'), 'module webdav\n\ngo 1.21\n');
    const go = (...args: string[]) => execFileSync('go', args, { cwd: source, stdio: ['ignore', 'ignore', 'inherit'] });
    go('get', 'golang.org/x/net/webdav@v0.30.0');
    go('build', '-o', command, '.');
  }
  return start('go-webdav-', (folder, port) => ({ command, args: [folder, String(port)], env: {} }));
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

async function start(name: string, program: (folder: string, port: number) => Program): Promise<DavServer> {
  const folder = await mkdtemp(join(tmpdir(), name));
  const port = await freePort();
  const { command, args, env } = program(folder, port);
  const running = await startListening(command, args, port, { env });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    folder,
    log: running.log,
    async stop() {
      await running.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
