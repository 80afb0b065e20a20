/** A headless Chromium that tests steer by its DevTools protocol, over pipes: no port, no library. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export interface View {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly media?: 'screen' | 'print';
}

export interface Browser {
  /** Loads a file, seen so. */
  open(path: string, view: View): Promise<void>;
  /** The value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
  /** A picture of what is on the screen, as a PNG file. */
  picture(path: string): Promise<void>;
  close(): Promise<void>;
}

type Answer = { readonly result?: Record<string, unknown>; readonly error?: { readonly message: string } };

export async function startChromium(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'drover-chromium-'));
  const child = spawn(
    'chromium',
    ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', `--user-data-dir=${profile}`],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: profile } },
  );
  await once(child, 'spawn');
  const { ask, event } = conversation(child);
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = (await ask('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
  const page = (method: string, params: object = {}) => ask(method, params, sessionId);
  await page('Page.enable');
  return {
    async open(path, { width, height = 900, scheme = 'light', media = 'screen' }) {
      await page('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
      await page('Emulation.setEmulatedMedia', { media, features: [{ name: 'prefers-color-scheme', value: scheme }] });
      const loaded = event('Page.loadEventFired');
      await page('Page.navigate', { url: `file://${path}` });
      await loaded;
    },
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = (await page('Runtime.evaluate', { expression, returnByValue: true })) as {
        result: { value: T };
        exceptionDetails?: { exception?: { description?: string } };
      };
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? 'the expression failed');
      return result.value;
    },
    async picture(path) {
      const { data } = (await page('Page.captureScreenshot', { format: 'png' })) as { data: string };
      await writeFile(path, Buffer.from(data, 'base64'));
    },
    async close() {
      const ended = once(child, 'exit');
      await ask('Browser.close').catch(() => child.kill());
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Messages are JSON with a NUL behind each; answers carry the number of what was asked. */
function conversation(child: ChildProcess) {
  const [, , , into, from] = child.stdio as unknown as [null, null, null, Writable, Readable];
  const asked = new Map<number, { resolve(answer: Record<string, unknown>): void; reject(error: Error): void }>();
  const awaited = new Map<string, () => void>();
  let last = 0;
  let ended: Error | undefined;
  let rest = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0); end !== -1; end = rest.indexOf(0)) {
      const message = JSON.parse(rest.subarray(0, end).toString()) as Answer & { id?: number; method?: string };
      rest = rest.subarray(end + 1);
      if (message.id === undefined) awaited.get(message.method ?? '')?.();
      else if (message.error) asked.get(message.id)?.reject(new Error(message.error.message));
      else asked.get(message.id)?.resolve(message.result ?? {});
    }
  });
  child.once('exit', (code) => {
    ended = new Error(`chromium ended with code ${code}`);
    for (const { reject } of asked.values()) reject(ended);
  });
  into.on('error', () => {});
  return {
    ask(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const id = ++last;
        asked.set(id, { resolve, reject });
        into.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
      });
    },
    event: (method: string) => new Promise<void>((resolve) => awaited.set(method, resolve)),
  };
}
