import { afterEach, describe, expect, it } from 'vitest';
import { all, apply, containerAt, create, itemsAt, never } from '../../tests/conformance/collect.js';
import { plain } from '../../tests/conformance/odd-messages.js';
import { digestMail } from '../kinds/mail.js';
import { connector, dropMemoryStore, memoryStore } from './index.js';

const access = { account: 'anna', kind: 'mail' as const, secret: async () => '' };
afterEach(() => dropMemoryStore('trial'));

function openTarget() {
  const target = connector.target({ name: 'trial' }, access);
  if (!target) throw new Error('memory is a target');
  return target;
}

function openSource() {
  const source = connector.source({ name: 'trial' }, access);
  if (!source) throw new Error('memory is a source');
  return source;
}

describe('memory store', () => {
  it('is one for the whole process, by name', async () => {
    memoryStore('trial')
      .account('anna')
      .put(['INBOX'], { bytes: plain(1) });
    expect((await itemsAt(openSource(), ['INBOX'])).length).toBe(1);
    expect(await openSource().accounts?.(never)).toEqual(['anna']);
  });

  it('loses an answer: the write is applied, then the connection fails', async () => {
    const store = memoryStore('trial');
    const target = openTarget();
    const container = await target.ensure({ path: ['Work'] }, never);
    const anchor = await target.anchor(container, never);
    store.fault = ({ op, when, item }) => {
      if (op === 'create' && when === 'after' && item === 'b') throw new Error('cut');
    };
    const answered: string[] = [];
    const writing = async () => {
      for await (const answer of target.write(
        container,
        ['a', 'b', 'c'].map((token) => create(token, plain(token))),
        never,
      )) {
        answered.push('token' in answer ? answer.token : '');
      }
    };
    await expect(writing()).rejects.toThrow('cut');
    expect(answered).toEqual(['a']);
    const intents = ['b', 'c'].map((token) => ({ token, digest: digestMail(plain(token)) }));
    const found = await all(openTarget().locate(container, intents, anchor, async () => new Set(), never));
    expect(found.map((one) => one.found)).toEqual(['landed', 'absent']);
    expect(store.counts.create).toBe(2);
  });

  it('fails before a write without applying it', async () => {
    const store = memoryStore('trial');
    const target = openTarget();
    const container = await target.ensure({ path: ['Work'] }, never);
    store.fault = ({ op, when }) => {
      if (op === 'create' && when === 'before') throw new Error('cut');
    };
    await expect(apply(target, container, [create('a', plain(1))])).rejects.toThrow('cut');
    expect([store.counts.create, store.account('anna').folder(['Work']).messages.size]).toEqual([0, 0]);
  });

  it('counts what was written, and forgets the counts when told', async () => {
    const store = memoryStore('trial');
    const target = openTarget();
    const container = await target.ensure({ path: ['Work'] }, never);
    await apply(target, container, [create('a', plain(1)), create('b', plain(2))]);
    expect([store.counts.ensure, store.counts.create, store.counts.remove]).toEqual([1, 2, 0]);
    store.resetCounts();
    expect(store.counts.create).toBe(0);
  });

  it('is full, locked, or rebuilt when a test says so', async () => {
    const account = memoryStore('trial').account('anna');
    account.put(['INBOX'], { bytes: plain(1) });
    const before = await containerAt(openSource(), ['INBOX']);
    account.renumber(['INBOX']);
    const after = await containerAt(openSource(), ['INBOX']);
    expect(after.validity).not.toBe(before.validity);
    await expect(all(openSource().list(before, undefined, never))).rejects.toMatchObject({ code: 'source-changed' });

    account.quotaBytes = 0;
    const target = openTarget();
    const container = await target.ensure({ path: ['INBOX'] }, never);
    await expect(apply(target, container, [create('a', plain(1))])).rejects.toMatchObject({ code: 'quota' });

    account.locked = 'password expired';
    await expect(openSource().place(never)).rejects.toMatchObject({
      code: 'credentials',
      message: expect.stringContaining('expired'),
    });
  });
});
