import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestMail } from '../../connectors/kinds/mail.js';
import { createMboxSource } from '../../connectors/mbox/source.js';
import { all, bodyOf, entries, flagsOf, never } from '../conformance/collect.js';
import { sampleMailbox } from './messages.js';
import { DEMO_SAMPLE, mboxEntry, writeSampleExport } from './sample-export.js';

describe('sampleMailbox', () => {
  const options = { seed: 7, messages: 1500, folders: 21, medianBytes: 4000 };
  const sample = [...sampleMailbox(options)];

  it('gives the same bytes for the same options, others for another seed', () => {
    const sum = (seed: number) => {
      const hash = createHash('sha256');
      for (const { path, bytes, flags, date } of sampleMailbox({ ...options, seed, messages: 100 })) {
        hash.update(JSON.stringify([path, flags, date])).update(bytes);
      }
      return hash.digest('hex');
    };
    expect(sum(7)).toBe(sum(7));
    expect(sum(8)).not.toBe(sum(7));
    expect(sum(7)).toBe('9591f0c699d72658cafbcd25adee50f31ab66e160bf8457a63fbb9bb2b95d79e');
  });

  it('has the number, folders and sizes asked for', () => {
    const sizes = sample.map((message) => message.bytes.length).sort((a, b) => a - b);
    expect(sample.length).toBe(1500);
    expect(new Set(sample.map((message) => message.path.join('\n'))).size).toBe(21);
    expect(sizes[750]).toBeGreaterThan(3000);
    expect(sizes[750]).toBeLessThan(5500);
    const total = [...sampleMailbox({ ...options, totalBytes: 20_000_000 })].reduce(
      (sum, message) => sum + message.bytes.length,
      0,
    );
    expect(total / 20_000_000).toBeGreaterThan(0.85);
    expect(total / 20_000_000).toBeLessThan(1.15);
  });

  it('holds each oddity of real mail', () => {
    const oddities = new Set(sample.map((message) => message.oddity).filter((oddity) => oddity !== undefined));
    expect([...oddities].sort()).toEqual(
      [
        'brokenHeader',
        'bareLineFeeds',
        'duplicate',
        'eightBitBody',
        'eightBitHeader',
        'fromLines',
        'longLine',
        'noFinalLineEnd',
        'noMessageId',
        'nul',
        'repeatedId',
      ].sort(),
    );
    const digests = sample.map((message) => digestMail(message.bytes));
    expect(new Set(digests).size).toBeLessThan(digests.length);
    expect(sample.some((message) => message.bytes.includes(0))).toBe(true);
  });

  it('has nothing odd when plain is asked for', () => {
    const plain = [...sampleMailbox({ ...options, messages: 500, plain: true })];
    expect(plain.filter((message) => message.oddity !== undefined)).toEqual([]);
    expect(new Set(plain.map((message) => digestMail(message.bytes))).size).toBe(500);
  });
});

describe('writeSampleExport', () => {
  const root = mkdtempSync(join(tmpdir(), 'drover-sample-'));
  const folder = join(root, 'anna@old.example');
  const options = { ...DEMO_SAMPLE, messages: 400 };
  beforeAll(() => void writeSampleExport(folder, options));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('holds every message unchanged, as the mbox connector reads it', async () => {
    const wanted = [...sampleMailbox(options)].map(({ path, bytes, flags, date }) => {
      const entry = mboxEntry({ path, bytes, flags, date }).toString('latin1');
      const stored = Buffer.from(entry.slice(entry.indexOf('\n') + 1, -1).replace(/^>(>*From )/gm, '$1'), 'latin1');
      return JSON.stringify([path, flags, date, digestMail(stored)]);
    });
    const source = createMboxSource({ path: folder, dialect: 'mboxrd' });
    const got: string[] = [];
    for await (const container of source.containers(never)) {
      const items = await entries(source.list(container, undefined, never));
      const bodies = await all(source.read(container, items, never));
      items.forEach(
        (item, n) =>
          void got.push(
            JSON.stringify([container.path, flagsOf(item), item.meta?.date, digestMail(bodyOf(bodies[n]))]),
          ),
      );
    }
    expect(got.sort()).toEqual(wanted.sort());
  });

  it('writes nothing when it is there, and the same bytes when it is not', () => {
    const sums = () =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => [
          entry.name,
          createHash('sha256')
            .update(readFileSync(join(entry.parentPath ?? entry.path, entry.name)))
            .digest('hex'),
        ])
        .sort();
    const before = sums();
    const { mtimeMs } = statSync(join(folder, 'INBOX.mbox'));
    expect(writeSampleExport(folder, options).written).toBe(false);
    expect(statSync(join(folder, 'INBOX.mbox')).mtimeMs).toBe(mtimeMs);
    rmSync(folder, { recursive: true });
    expect(writeSampleExport(folder, options).written).toBe(true);
    expect(sums()).toEqual(before);
  });
});
