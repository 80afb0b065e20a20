/** Lines to real servers that are cut, slow or dead for a while: when they heal, everything is there, once. */
import type { TestContext } from 'vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { large } from '../conformance/odd-messages.js';
import { applySpec } from '../e2e/apply-spec.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import { createRandom } from '../sample/random.js';
import { startDovecot } from '../servers/dovecot.js';
import type { ProxyOptions } from '../servers/proxy.js';
import { startProxy } from '../servers/proxy.js';
import {
  contentsOf,
  difference,
  fillMaildir,
  imapSystem,
  mailSpec,
  PASSWORD_VARIABLE,
  smallMailbox,
} from './mailboxes.js';

/** How long a silent server is waited for, in milliseconds. */
const REPLY_MS = 3_000;
const LARGE = 40;
const SMALL = 400;

let test: TestStack;
beforeAll(async () => {
  process.env[PASSWORD_VARIABLE] = 'secret';
  test = await startTestStack({ DROVER_SLICE_SECONDS: '10' });
});
afterAll(() => test?.stop());

interface Lines {
  readonly source?: Omit<ProxyOptions, 'to'>;
  readonly target?: Omit<ProxyOptions, 'to'>;
  readonly itemsPerSecond?: number;
  readonly targetWithout?: readonly string[];
}

/** A migration between two filled servers, over lines as they are told. */
async function moving({ onTestFinished }: TestContext, name: string, lines: Lines) {
  const [source, target] = await Promise.all([
    startDovecot(),
    startDovecot({ withoutCapabilities: lines.targetWithout ?? [] }),
  ]);
  const [toSource, toTarget] = await Promise.all([
    startProxy({ to: source, ...lines.source }),
    startProxy({ to: target, ...lines.target }),
  ]);
  onTestFinished(async () => {
    await Promise.all([toSource.stop(), toTarget.stop()]);
    await Promise.all([source.stop(), target.stop()]);
  });
  const date = '2022-03-04T05:06:07Z';
  const big = Array.from({ length: LARGE }, (_, n) => ({
    path: ['Lists'],
    bytes: large(50_000 + 80 * (n % 30)),
    flags: [],
    date,
  }));
  fillMaildir(source, 'anna', [...smallMailbox(5, SMALL), ...big]);
  const limits = lines.itemsPerSecond === undefined ? {} : { limits: { itemsPerSecond: lines.itemsPerSecond } };
  const spec = mailSpec(
    name,
    imapSystem(toSource, { replyMs: REPLY_MS }),
    imapSystem(toTarget, { replyMs: REPLY_MS, ...limits }),
    [['anna', 'anna']],
  );
  const result = (await applySpec(test.client, test.stack.taskQueue, spec)).result();
  return {
    toSource,
    toTarget,
    result,
    /** Resolves when so many messages are written down as arrived. */
    async arrived(count: number): Promise<void> {
      for (;;) {
        const { rows } = await test.ledger.pool.query<{ n: number }>(
          `select count(*) as n from item i join container c on c.id = i.container join unit u on u.pairing = c.pairing
           where u.migration = $1 and i.target_ref is not null`,
          [name],
        );
        if ((rows[0]?.n ?? 0) >= count) return;
        await new Promise((go) => setTimeout(go, 20));
      }
    },
    async expectAll(): Promise<void> {
      expect(await result).toMatchObject({
        state: 'done',
        totals: { items: LARGE + SMALL, verified: LARGE + SMALL, failures: 0, duplicates: 0 },
      });
      expect(difference(await contentsOf(source, 'anna'), await contentsOf(target, 'anna'))).toEqual({
        lost: [],
        extra: [],
      });
    },
  };
}

describe.concurrent('lines that fail', () => {
  it('cut in the middle of a literal from the source', async (t) => {
    // Past the listing, in the middle of a large message, again and again.
    const run = await moving(t, 'cut-source', { source: { cutAfterServerBytes: 525_000, cuts: 4 } });
    await run.expectAll();
    expect(run.toSource.accepted).toBeGreaterThan(4);
  });

  it('cut in the middle of a literal to the target', async (t) => {
    // Without MULTIAPPEND some messages of a batch have landed and others have not, and nobody was told which.
    const target = { cutAfterClientBytes: 525_000, cuts: 4 };
    const run = await moving(t, 'cut-target', { target, targetWithout: ['MULTIAPPEND'] });
    await run.expectAll();
    expect(run.toTarget.accepted).toBeGreaterThan(4);
  });

  it('cut at random moments, both', async (t) => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
    const random = createRandom(seed);
    const run = await moving(t, 'cut-both', { itemsPerSecond: 120 });
    await run.arrived(1);
    for (let n = 0; n < 8; n++) {
      (random.chance(0.5) ? run.toSource : run.toTarget).cut();
      await new Promise((go) => setTimeout(go, random.next() * 1_000));
    }
    await run.expectAll();
  });

  it('replies that come late', async (t) => {
    const run = await moving(t, 'late', { source: { delayMs: 120 }, target: { delayMs: 120 } });
    await run.expectAll();
  });

  it('half-open connections, on which no answer ever comes', async (t) => {
    const run = await moving(t, 'half-open', { itemsPerSecond: 150 });
    await run.arrived(100);
    const before = run.toTarget.accepted;
    run.toTarget.hang();
    run.toSource.hang();
    // Long enough for those who try again meanwhile to hang as well.
    await new Promise((go) => setTimeout(go, REPLY_MS + 1_500));
    run.toTarget.heal();
    run.toSource.heal();
    await run.expectAll();
    // The source may have been read to its end by then; the target was being written to.
    expect(run.toTarget.accepted).toBeGreaterThan(before);
  });
});
