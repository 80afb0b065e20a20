/**
 * Whom the Web UI of Temporal names, and why, where it is read: summaries and details of workflows, messages of failures.
 * Accounts stand nowhere else: ids, search attributes and lists hold no personal data.
 */
import { readFileSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gateReport } from '../../cli/gate-lines.js';
import { Fault } from '../../connectors/errors.js';
import type { Spec } from '../../schemas/spec.js';
import { credentialsSignal, makeMigrationId, makeUnitId, progressQuery } from '../../workflows/messages.js';
import { migrate } from '../cli/terminal.js';
import { applySpec } from './apply-spec.js';
import { fill, memorySpec, sourceOf, targetOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

let test: TestStack;
let client: Client;
beforeAll(async () => {
  test = await startTestStack();
  client = test.client;
});
afterAll(() => test.stop());

const PEOPLE = ['anna@corp.example', 'bert@corp.example', 'cleo@corp.example'];
const [ANNA, BERT, CLEO] = PEOPLE as [string, string, string];
const apply = (spec: Spec) => applySpec(client, test.stack.taskQueue, spec);

const detailsOf = async (id: string): Promise<string> =>
  (await client.workflow.getHandle(id).query<{ currentDetails: string }>('__temporal_workflow_metadata'))
    .currentDetails;
const summaryOf = async (id: string): Promise<string | undefined> =>
  (await client.workflow.getHandle(id).describe()).staticSummary();

it('accounts that wait for one reason are one entry, and their workflows name them first', async () => {
  const spec = memorySpec(PEOPLE);
  fill(spec, PEOPLE, 2);
  for (const person of [ANNA, BERT]) sourceOf(spec).account(person).locked = 'password expired';
  const handle = await apply(spec);
  await expect.poll(async () => (await handle.query(progressQuery)).state).toBe('waiting');

  const progress = await handle.query(progressQuery);
  expect(progress.gates.map(({ account }) => account)).toEqual(expect.arrayContaining([ANNA, BERT]));
  const two =
    /^ {2}2 accounts wait for credentials: old: memory: password expired \(\w+@corp.example, \w+@corp.example\)$/;
  expect(gateReport({ progress })).toEqual([
    `${spec.name}: all that is left waits behind 1 gate:`,
    expect.stringMatching(two),
    '    unlock the account',
    `    migrate credentials ${spec.name}`,
  ]);
  const details = await detailsOf(makeMigrationId(spec.name));
  expect(details.split('\n').filter((line) => line.includes(ANNA))).toEqual([
    expect.stringMatching(/^- 2 accounts wait for credentials: .*\*\*To do:\*\* unlock the account$/),
  ]);
  expect(await summaryOf(makeUnitId(spec.name, 1))).toBe(`${ANNA}: mail, unit 1, run 1`);
  expect(await detailsOf(makeUnitId(spec.name, 1))).toMatch(
    /^\*\*anna@corp.example\*\* \(unit 1, mail\): waits for credentials: old: memory: password expired/,
  );
  expect(await detailsOf(makeUnitId(spec.name, 3))).toMatch(/^\*\*cleo@corp.example\*\* \(unit 3, mail\): verifying/);

  for (const person of PEOPLE) sourceOf(spec).account(person).locked = undefined;
  await handle.signal(credentialsSignal, {});
  expect(await handle.result()).toMatchObject({ state: 'done' });
  await expectNobodyIn(spec);
});

it('accounts that failed for one reason are one sentence of the failure', async () => {
  const spec = memorySpec(PEOPLE);
  fill(spec, PEOPLE, 2);
  sourceOf(spec).fault = ({ op }) => {
    if (op === 'containers') throw new Fault('spec', 'the folder of the spec is not there', { next: 'correct it' });
  };
  const { reason } = await (await apply(spec)).result();

  const why =
    /^3 accounts: old: the folder of the spec is not there; correct it \((\w+@corp.example,? ?){3}\); 3 of 3 accounts failed$/;
  expect(reason).toMatch(why);
  expect(await detailsOf(makeMigrationId(spec.name))).toContain(
    '- 3 accounts: old: the folder of the spec is not there',
  );
  const terminal = { cwd: test.dir, env: { TEMPORAL_ADDRESS: test.stack.temporalAddress } };
  expect((await migrate(terminal, 'status', spec.name)).out).toContain(`why: ${reason}`);
  await expectNobodyIn(spec);
});

it('items that failed for one reason are one sentence, too', async () => {
  const spec = memorySpec(PEOPLE);
  fill(spec, [ANNA, BERT], 2);
  fill(spec, [CLEO], 1);
  targetOf(spec).fault = ({ op, when }) => {
    if (op === 'create' && when === 'before') throw new Fault('refused', 'the message is too large');
  };
  const { reason } = await (await apply(spec)).result();

  expect(reason).toMatch(/^3 accounts, 5 items: .*the message is too large/);
  expect(await detailsOf(makeMigrationId(spec.name))).toMatch(
    /\*\*With items that failed\*\*\n\n- 3 accounts, 5 items: /,
  );
});

it.each(documentedQueries())('the documentation has a view that Temporal understands: %s', async (query) => {
  const found: string[] = [];
  for await (const { type } of client.workflow.list({ query })) found.push(type);
  const named = [...query.matchAll(/"(\w+)"/g)].map(([, value]) => value);
  for (const type of found) expect(named).toContain(type);
});

function documentedQueries(): string[] {
  const page = readFileSync('docs/operations.md', 'utf8');
  return [...page.matchAll(/^\| .* \| `(WorkflowType .*)` \|$/gm)].map(([, query]) => query as string);
}

/** What lists show, and what Temporal never encrypts. */
async function expectNobodyIn({ name }: Spec): Promise<void> {
  const seen: string[] = [];
  for await (const { workflowId, type, searchAttributes } of client.workflow.list())
    if (workflowId.includes(name)) seen.push(JSON.stringify({ workflowId, type, searchAttributes }));
  expect(seen.length).toBeGreaterThan(PEOPLE.length);
  const terminal = { cwd: test.dir, env: { TEMPORAL_ADDRESS: test.stack.temporalAddress } };
  const list = await migrate(terminal, 'list', '--output', 'json');
  expect(list.out).toContain(name);
  for (const person of PEOPLE) expect([...seen, list.out].join('\n')).not.toContain(person.split('@')[0]);
}
