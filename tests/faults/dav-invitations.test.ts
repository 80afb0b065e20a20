/** Nobody is mailed by a server that schedules, whatever a migration does to its events. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SchedulingWitness } from '../servers/scheduling-witness.js';
import { witnessScheduling } from '../servers/scheduling-witness.js';
import type { DavStage, DavWorld, DavWorldOptions } from './dav-world.js';
import { expectDone, expectQuiet, expectSame, startDavStage, writesOf } from './dav-world.js';

const TEAM = ['Team'];
const MEETINGS = 3;
let stage: DavStage;
beforeAll(async () => {
  stage = await startDavStage(30);
});
afterAll(() => stage?.stop());

/** A meeting of the far future; long addresses make lines fold. */
function meeting(n: number, more: readonly string[] = []): Buffer {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Old Office//EN',
    'BEGIN:VEVENT',
    `UID:meeting-${n}@old.example`,
    'DTSTAMP:20260101T000000Z',
    'DTSTART:20990105T090000Z',
    'DTEND:20990105T100000Z',
    `SUMMARY:Meeting ${n}`,
    'ORGANIZER;CN=Anna:mailto:anna@old.example',
    'ATTENDEE;CN="Bert; of sales";PARTSTAT=ACCEPTED:mailto:bert@old.example',
    'ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN="Cleo who h',
    ' as a long name":mailto:cleo@other.example',
    ...more,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

const nameOf = (n: number): string => `other meeting-${n}@old.example.ics`;

async function between(
  witnesses: { readonly source?: SchedulingWitness; readonly target: SchedulingWitness },
  options: DavWorldOptions = {},
): Promise<DavWorld> {
  const world = await stage.between(options);
  for (let n = 0; n < MEETINGS; n++) await world.from.put(TEAM, meeting(n));
  for (const rule of witnesses.target.rules) world.toTarget.add(rule);
  for (const rule of witnesses.source?.rules ?? []) world.toSource.add(rule);
  return world;
}

describe.each(['schedule-agent'] as const)('a server that obeys %s', (obeys) => {
  it('mails nobody for events that arrive, are edited and removed', async () => {
    const target = witnessScheduling(obeys);
    const world = await between({ target }, { selection: { deletions: 'mirror', maxDeletions: 1 } });
    expectDone(await world.run(), { verified: MEETINGS });
    await world.from.edit(TEAM, nameOf(0), meeting(0, ['LOCATION:Room 2']));
    await world.from.drop(TEAM, nameOf(1));
    expectDone(await world.run(), { verified: MEETINGS - 1, updated: 1, removed: 1 });
    expect(target.mailed).toEqual([]);
    await expectSame(world, TEAM);
    await world.close();
  });

  it('mails nobody when both sides are kept in step', async () => {
    const [source, target] = [witnessScheduling(obeys), witnessScheduling(obeys)];
    const selection = { mode: 'two-way', deletions: 'mirror', maxDeletions: 1, onConflict: 'newest' } as const;
    const world = await between({ source, target }, { selection });
    await world.to.put(TEAM, meeting(8));
    expectDone(await world.run(), { verified: MEETINGS + 1 });
    await expectSame(world, TEAM);
    const copy = 'meeting-1@old.example.ics';
    await world.to.edit(TEAM, copy, meeting(1, ['LOCATION:Room 3']));
    const { result } = await world.run();
    // The source's own event was sent out by its server: changing it would send more.
    expect(result).toMatchObject({ totals: { failures: 1 } });
    expect([source.mailed, target.mailed]).toEqual([[], []]);
    await world.close();
  });
});

it('of an older draft gets no invitations at all, and the report says so', async () => {
  const target = witnessScheduling('draft');
  const world = await between({ target }, { selection: { maxFailures: 1 } });
  const { result } = await world.run();
  expect(result).toMatchObject({ totals: { verified: 0, failures: MEETINGS } });
  expect(target.mailed).toEqual([]);
  expect(writesOf(world.toTarget).filter((one) => one.startsWith('PUT'))).toEqual([]);
  await world.close();
});

it.each(['schedule-agent', 'draft'] as const)('mails where the spec lets it (%s)', async (obeys) => {
  const target = witnessScheduling(obeys);
  const world = await between({ target }, { options: { scheduling: 'allow' } });
  expectDone(await world.run(), { verified: MEETINGS });
  const expected = [0, 1, 2].map((n) => `invitation meeting-${n}@old.example`);
  // SOGo's header goes with every write of ours, or with none: what is allowed to mail must mail.
  expect([...target.mailed].sort()).toEqual(expected);
  await expectQuiet(world);
  await world.close();
});
