/**
 * Ways of servers, and what they answer at bad moments, put before two real ones: each time everything arrives once, the
 * source is only read, and a further run writes nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { event, oddEvents } from '../conformance/odd-events.js';
import {
  asks,
  breaksXml,
  changesEtagAfterPut,
  failsMembers,
  ignoresIfNoneMatch,
  isPut,
  renames,
  reply,
  rewrites,
  withoutAnyToken,
  withoutEtagAfterPut,
  withoutSyncCollection,
} from '../servers/dav-behaviours.js';
import type { DavProxy, Rule } from '../servers/dav-proxy.js';
import { startXandikos } from '../servers/xandikos.js';
import type { DavStage, DavWorld } from './dav-world.js';
import { createDavWorld, expectDone, expectQuiet, expectSame, startDavStage, writesOf } from './dav-world.js';

let stage: DavStage;
beforeAll(async () => {
  stage = await startDavStage(80);
});
afterAll(() => stage?.stop());

const WORK = ['Work'];
const HOME = ['Home'];
const ITEMS = 12;
/** Some are filled in at once, some must go alone. */
const ODD = ['a series with overrides', 'an organiser and attendees'] as const;

async function fill({ from }: DavWorld): Promise<void> {
  for (let n = 0; n < ITEMS; n++) await from.put(n % 3 === 0 ? HOME : WORK, event(n));
  for (const name of ODD) await from.put(WORK, oddEvents[name] as Buffer);
}

interface Oddity {
  readonly at: 'source' | 'target' | 'both';
  readonly rule: Rule;
  /** How often it must have come to bear. Default: once at least. */
  readonly used?: number;
  /** Faults on the way, in their order. Default: none. */
  readonly faults?: readonly string[];
}

const itself = (method: string, words = '', times = 1) => ({ when: asks(method, words), times });
const put = { when: isPut, times: 1 };

const ODDITIES = {
  'tells no changes, but CTags': { at: 'both', rule: withoutSyncCollection },
  'tells neither changes nor CTags': { at: 'both', rule: withoutAnyToken },
  'tells no ETag after a PUT': { at: 'target', rule: withoutEtagAfterPut },
  'tells another ETag after a PUT than later': { at: 'target', rule: changesEtagAfterPut },
  'ignores If-None-Match': { at: 'target', rule: ignoresIfNoneMatch },
  'rewrites what is put, without a loss': {
    at: 'target',
    rule: rewrites((body) =>
      body
        .replace(/\r\nPRODID:[^\r]*/, '\r\nPRODID:-//Own//EN')
        .replace(/END:VEVENT/g, 'CREATED:20260101T000000Z\r\nEND:VEVENT'),
    ),
  },
  'keeps items under names of its own (302)': { at: 'target', rule: renames(3, (n) => `own ä${n}.ics`), used: 3 },
  'fails members of a multi-status (500)': {
    at: 'source',
    rule: failsMembers(500, (href) => /other.*[37]%40|plain-00000[37]/.test(href)),
  },
  'fails members of a multi-status (404) that are there': {
    at: 'target',
    rule: { ...failsMembers(404, (href) => /other/.test(href)), times: 1 },
  },
  'sends half an XML for a listing': {
    at: 'source',
    rule: breaksXml(asks('PROPFIND', 'getcontentlength'), 1),
    faults: ['unavailable'],
  },
  'sends half an XML for many items': { at: 'both', rule: breaksXml(asks('REPORT', 'multiget'), 2) },
  'sends half an XML while it is looked for': {
    at: 'target',
    rule: breaksXml(asks('PROPFIND', 'displayname'), 1),
    faults: ['unavailable'],
  },
  'sends a page of HTML instead of a listing': {
    at: 'source',
    rule: {
      ...itself('PROPFIND', 'getcontentlength'),
      reply: () => reply(200, { 'content-type': 'text/html' }, '<html><body>Log in'),
    },
    faults: ['unavailable'],
  },
  'says 429 with Retry-After to a PUT': {
    at: 'target',
    rule: { ...put, reply: () => reply(429, { 'retry-after': '1' }) },
    faults: ['throttled'],
  },
  'says 503 with Retry-After to a listing': {
    at: 'source',
    rule: { ...itself('PROPFIND', 'getcontentlength'), reply: () => reply(503, { 'retry-after': '1' }) },
    faults: ['throttled'],
  },
  'says 503 while items are read': {
    at: 'source',
    rule: { ...itself('REPORT', 'multiget'), reply: () => reply(503) },
  },
  'says 423 to a PUT': { at: 'target', rule: { ...put, reply: () => reply(423) }, faults: ['unavailable'] },
  'says 500 to a PUT that it did': { at: 'target', rule: { ...put, answer: () => reply(500) }, faults: [] },
  'resets the connection before a PUT': { at: 'target', rule: { ...put, cut: 'before' }, faults: ['unavailable'] },
  'does a PUT and resets the connection': { at: 'target', rule: { ...put, cut: 'after' }, faults: ['unavailable'] },
  'resets the connection within the answer to a PUT': {
    at: 'target',
    rule: { ...put, cut: 'within' },
    faults: ['unavailable'],
  },
  'makes a collection and resets the connection': {
    at: 'target',
    rule: { ...itself('MKCALENDAR'), cut: 'after' },
    faults: ['unavailable'],
  },
  'resets the connection within a listing': {
    at: 'source',
    rule: { ...itself('PROPFIND', 'getcontentlength'), cut: 'within' },
    faults: ['unavailable'],
  },
} satisfies Record<string, Oddity>;

async function meet(world: DavWorld, { at, rule, used = 1, faults = [] }: Oddity): Promise<void> {
  await fill(world);
  const proxies: DavProxy[] = [];
  if (at !== 'target') proxies.push(world.toSource);
  if (at !== 'source') proxies.push(world.toTarget);
  const held = proxies.map((proxy) => proxy.add(rule));
  const ran = await world.run();
  expectDone(ran, { verified: ITEMS + ODD.length });
  expect(ran.faults).toEqual(faults);
  for (const one of held) expect(one.used).toBeGreaterThanOrEqual(used);
  await expectSame(world, WORK, HOME);
  expect(writesOf(world.toSource)).toEqual([]);
  await expectQuiet(world);
}

describe('a server that', () => {
  it.each(Object.entries<Oddity>(ODDITIES))('%s', async (_, oddity) => {
    const world = await stage.between();
    try {
      await meet(world, oddity);
    } finally {
      await world.close();
    }
  });
});

/** It has other answers for the same; one person lives in it, so each needs its own. */
const ON_XANDIKOS = [
  'tells no changes, but CTags',
  'tells no ETag after a PUT',
  'tells another ETag after a PUT than later',
  'ignores If-None-Match',
  'sends half an XML for many items',
  'does a PUT and resets the connection',
  'makes a collection and resets the connection',
] as const satisfies (keyof typeof ODDITIES)[];

describe('Xandikos behind a proxy that', () => {
  it.each(ON_XANDIKOS)('%s', async (name) => {
    const xandikos = await startXandikos('anna');
    const at = { url: xandikos.url, home: '/anna/calendars/', user: 'anna' };
    const world = await createDavWorld(stage.ledger.ledger, stage.account(), at);
    try {
      await meet(world, ODDITIES[name]);
    } finally {
      await world.close();
      await xandikos.stop();
    }
  });
});
