/** What is under way while messages are appended, on servers that answer by a script. */
import { afterEach, describe, expect, it } from 'vitest';
import { all, create, never } from '../../tests/conformance/collect.js';
import { openTarget } from '../../tests/servers/imap-account.js';
import type { Script, ScriptedImap } from '../../tests/servers/scripted-imap.js';
import { startScriptedImap } from '../../tests/servers/scripted-imap.js';
import type { Write } from '../contract.js';
import type { Mail } from '../kinds/mail.js';

const MULTI = 'IMAP4rev1 UIDPLUS LITERAL+ MULTIAPPEND';
const container = { key: 'INBOX', path: ['INBOX'], validity: '7', created: false, items: 0 };

const running: ScriptedImap[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function scripted(script: Script): Promise<ScriptedImap> {
  const server = await startScriptedImap(script);
  running.push(server);
  return server;
}

/** The sizes of the messages in one APPEND. */
function sizesIn(line: string): number[] {
  return [...line.matchAll(/<(\d+) bytes>/g)].map((match) => Number(match[1]));
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

function messages(count: number, bytes: number): Write<Mail>[] {
  return Array.from({ length: count }, (_, n) => create(`t${n}`, Buffer.alloc(bytes, `${n}\r\n`)));
}

interface Pending {
  readonly sizes: readonly number[];
  answer(): void;
}

/** A server that answers an APPEND when the test lets it. */
async function holding(capabilities: string): Promise<{ server: ScriptedImap; pending: Pending[] }> {
  const pending: Pending[] = [];
  let uid = 1;
  const server = await scripted({
    capabilities,
    answer({ tag, text, send }) {
      if (!text.startsWith('APPEND')) return false;
      const sizes = sizesIn(text);
      pending.push({
        sizes,
        answer() {
          send(`${tag} OK [APPENDUID 7 ${uid}:${uid + sizes.length - 1}] ok\r\n`);
          uid += sizes.length;
        },
      });
      return true;
    },
  });
  return { server, pending };
}

describe('the window', () => {
  it.each([
    ['lots', MULTI],
    ['single messages', 'IMAP4rev1 UIDPLUS LITERAL+'],
  ])('sends no more than 64 kB before the first answer (%s)', async (_, capabilities) => {
    const { server, pending } = await holding(capabilities);
    const target = openTarget(server, 'anna');
    const writing = all(target.write(container, messages(200, 5_000), never));
    const sent = () => sum(pending.flatMap(({ sizes }) => sizes));
    await expect.poll(sent).toBeGreaterThan(55_000);
    // Some round trips later, whatever else was sent would be there.
    await openTarget(server, 'anna').place(never);
    expect(sent()).toBeLessThanOrEqual(64_000);

    let answered = 0;
    while (answered < 200) {
      await expect.poll(() => pending.length).toBeGreaterThan(0);
      const one = pending.shift() as Pending;
      answered += one.sizes.length;
      one.answer();
    }
    expect((await writing).length).toBe(200);
  });

  it('opens to whole lots within a few commands where answers come at once', async () => {
    const chunks: number[] = [];
    const server = await scripted({
      capabilities: MULTI,
      answer({ tag, text }) {
        if (!text.startsWith('APPEND')) return false;
        chunks.push(sizesIn(text).length);
        return `${tag} OK ok\r\n`;
      },
    });
    const target = openTarget(server, 'anna');
    await all(target.write(container, messages(400, 5_000), never));
    expect(chunks.slice(0, 2)).toEqual([6, 6]);
    expect(chunks).toContain(100);
    expect(chunks.length).toBeLessThan(20);
    expect(target.quietFor?.([500_000])).toBe(target.quietMs);
  });

  it('sends a larger message alone', async () => {
    const { server, pending } = await holding(MULTI);
    const target = openTarget(server, 'anna');
    const large = create('large', Buffer.alloc(1_000_000, 'x'));
    const writes = [...messages(2, 1_000), large, create('after', Buffer.from('S: after\r\n\r\n'))];
    const writing = all(target.write(container, writes, never));
    for (const sizes of [[1_000, 1_000], [1_000_000], [12]]) {
      await expect.poll(() => pending.length).toBe(1);
      const one = pending.shift() as Pending;
      expect(one.sizes).toEqual(sizes);
      one.answer();
    }
    expect((await writing).length).toBe(4);
  });

  it('takes an unmeasured line for slow: 64 kB a second, and never more than a kernel holds', async () => {
    const target = openTarget(await scripted({}), 'anna');
    expect(target.quietFor?.([])).toBe(2_000);
    expect(target.quietFor?.([60_000, 60_000])).toBe(2_000);
    expect(target.quietFor?.([1_000, 640_000])).toBe(10_000);
    expect(target.quietFor?.([100_000_000])).toBe(65_536);
  });
});

describe('references that a server invents', () => {
  it('are bounded by what was appended', async () => {
    const server = await scripted({
      capabilities: MULTI,
      answer: ({ tag, text }) => text.startsWith('APPEND') && `${tag} OK [APPENDUID 7 1:4294967295] ok\r\n`,
    });
    const answers = await all(openTarget(server, 'anna').write(container, messages(3, 10), never));
    expect(answers.map((one) => ('token' in one ? [one.token, one.ref] : one))).toEqual([
      ['t0', undefined],
      ['t1', undefined],
      ['t2', undefined],
    ]);
  });

  it.each(['UID COPY', 'UID MOVE'])(
    'are bounded by what was sent with %s, and nothing else is expunged',
    async (verb) => {
      const server = await scripted({
        capabilities: `IMAP4rev1 UIDPLUS${verb === 'UID MOVE' ? ' MOVE' : ''}`,
        answer: ({ tag, text }) => text.startsWith(verb) && `${tag} OK [COPYUID 9 1:4294967295 1:4294967295] ok\r\n`,
      });
      const to = { ...container, key: 'Archive', path: ['Archive'], validity: '9' };
      const writes = ['0000000001', '0000000003'].map((ref) => ({ op: 'move' as const, token: ref, ref, to }));
      const answers = await all(openTarget(server, 'anna').write(container, writes, never));
      expect(answers).toMatchObject([{ token: '0000000001' }, { token: '0000000003' }]);
      expect(answers.every((one) => 'token' in one && one.ref === undefined)).toBe(true);
      const expunged = server.lines.filter((line) => line.startsWith('UID EXPUNGE'));
      expect(expunged).toEqual(verb === 'UID MOVE' ? [] : ['UID EXPUNGE 1,3']);
    },
  );
});
