/**
 * Workers killed around the last step of a large file: before the server has heard of the MOVE, while its answer is on
 * the way, and so that the dead process's MOVE lands while another goes on. The same for a small file's PUT.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject } from '../../connectors/contract.js';
import type { Spec } from '../../schemas/spec.js';
import { give, startApache } from '../servers/apache.js';
import type { DavAsked, DavProxy } from '../servers/dav-proxy.js';
import { startDavProxy } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import { contentsOf, writesOf } from './file-world.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';

const LARGE = 3 * 1024 * 1024 + 5;

let source: DavServer;
let target: DavServer;
let fleet: Fleet;
beforeAll(async () => {
  [source, target, fleet] = await Promise.all([
    startApache({ users: ['anna'] }),
    startApache({ users: ['anna'] }),
    startFleet(1, { DAV_PASSWORD: 'secret' }),
  ]);
});
afterAll(() => Promise.all([fleet?.stop(), source?.stop(), target?.stop()]));

const ending =
  (method: string, header?: string) =>
  ({ method: asked, path, headers }: DavAsked): boolean =>
    asked === method && String(header === undefined ? path : headers[header]).endsWith('/file');

const SIZES = {
  large: { bytes: LARGE, when: ending('MOVE', 'destination') },
  small: { bytes: 900, when: ending('PUT') },
};

const MOMENTS = {
  'before the server hears of it, which it does at once': { hold: 'meanwhile', late: false },
  'when the server has done it, and its answer is on the way': { hold: 'afterwards', late: false },
  'and it lands right before that of the next process': { hold: 'meanwhile', late: true },
} as const;

type Size = (typeof SIZES)[keyof typeof SIZES];
type Moment = (typeof MOMENTS)[keyof typeof MOMENTS];

/** One migration of one file, with folders and a proxy of its own. */
interface Case {
  readonly name: string;
  readonly size: Size;
  readonly moment: Moment;
  readonly from: string;
  readonly to: string;
  readonly proxy: DavProxy;
  readonly spec: Spec;
}

async function createCase(n: number, name: string, size: Size, moment: Moment): Promise<Case> {
  const folder = join('anna', `case-${n}`);
  const [from, to] = [join(source.folder, folder), join(target.folder, folder)];
  for (const one of [from, to]) {
    await mkdir(one);
    await give(one);
  }
  const proxy = await startDavProxy(target);
  const options = (url: string): JsonObject => ({
    url: `${url}/anna/case-${n}/`,
    auth: { username: 'anna', password: { env: 'DAV_PASSWORD' } },
  });
  const spec: Spec = {
    version: 1,
    name: `last-step-${n}`,
    sources: { old: { type: 'webdav', options: options(source.url) } },
    targets: { new: { type: 'webdav', options: options(proxy.url) } },
    selections: [{ name: 'files', kind: 'files', from: 'old', to: 'new', accounts: [{ from: 'anna', to: 'anna' }] }],
  };
  return { name, size, moment, from, to, proxy, spec };
}

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((go) => {
    open = go;
  });
  return { opened, open: () => open() };
}

/** The next last step of the case is held; `reached` once it is. */
function holdLastStep({ size: { when }, moment: { hold, late }, proxy }: Case): {
  readonly reached: Promise<void>;
  release(): void;
} {
  const [reached, released, landed] = [gate(), gate(), gate()];
  const held = async (): Promise<void> => {
    reached.open();
    await released.opened;
  };
  proxy.add({ when, times: 1, [hold]: held });
  const first = proxy.add({ when, times: 1, afterwards: () => landed.open() });
  if (!late) return { reached: reached.opened, release: released.open };
  proxy.add({
    when: (asked) => first.used > 0 && when(asked),
    times: 1,
    async meanwhile() {
      released.open();
      await landed.opened;
    },
  });
  return { reached: reached.opened, release: () => {} };
}

const FOUND = { failures: 0, pending: 0, conflicts: 0, verified: 1 };

it('leaves each file there once, whatever the moment', async () => {
  const wanted = Object.entries(SIZES).flatMap(([name, size]) =>
    Object.entries(MOMENTS).map(([moment, how]) => ({ name: `${name}, ${moment}`, size, moment: how })),
  );
  const cases = await Promise.all(wanted.map(({ name, size, moment }, n) => createCase(n, name, size, moment)));
  try {
    for (const [n, edited] of ['a new file', 'an edit'].entries()) {
      for (const { size, from } of cases) {
        await writeFile(join(from, 'file'), randomBytes(size.bytes + n));
        await give(join(from, 'file'));
      }
      const holding = cases.map(holdLastStep);
      const handles = await Promise.all(cases.map(({ spec }) => fleet.apply(spec)));
      await Promise.all(holding.map(({ reached }) => reached));
      await fleet.replaceWorker(0);
      for (const { release } of holding) release();
      for (const [at, { name, from, to, proxy, spec }] of cases.entries()) {
        const said = `${edited}: ${name}`;
        expect(await handles[at]?.result(), said).toMatchObject({ state: 'done', totals: FOUND });
        expect(await contentsOf(to), said).toEqual(await contentsOf(from));
        expect(await readdir(to), said).toEqual(['file']);
        proxy.clear();
        const again = await (await fleet.apply(spec)).result();
        expect(again, said).toMatchObject({ state: 'done', totals: { ...FOUND, changed: 0 } });
        expect(writesOf(proxy), said).toEqual([]);
        proxy.clear();
      }
    }
  } finally {
    await Promise.all(cases.map(({ proxy }) => proxy.stop()));
  }
});
