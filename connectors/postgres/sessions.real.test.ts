import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { all, apply, entries, never } from '../../tests/conformance/collect.js';
import { creating, updating } from '../../tests/conformance/items.js';
import { card } from '../../tests/conformance/odd-cards.js';
import type { ContactsServer, Options } from '../../tests/servers/contacts-table.js';
import { startContactsServer } from '../../tests/servers/contacts-table.js';
import type { Target, TargetContainer } from '../contract.js';
import { kinds } from '../kinds/kinds.js';

let server: ContactsServer;
beforeAll(async () => {
  server = await startContactsServer();
});
afterAll(() => server.stop());

async function open(options: Options): Promise<{ target: Target<Buffer>; container: TargetContainer }> {
  const target = server.target(options);
  await target.place(never);
  return { target, container: await target.ensure({ path: ['any'] }, never) };
}

/** Sessions of ours that wait for a lock. */
async function waiting(): Promise<number> {
  const [row] = await server.sql<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where application_name = 'drover' and wait_event_type = 'Lock'`,
  );
  return row?.n ?? 0;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}

/** A session of another program that holds what it did open until told to end. */
async function other(): Promise<pg.PoolClient> {
  const client = await server.pool.connect();
  await client.query('begin');
  return client;
}

it('locates a batch whose commit comes late', async () => {
  const { target, container } = await open({ table: 'late' });
  const body = card(1);
  const gate = await other();
  // The batch of a worker that is about to die is held up inside the database, in the middle of its statement.
  await server.sql('create table gate (n int)');
  await server.sql(`create function held_up() returns trigger language plpgsql as $$ begin lock gate; return new; end $$;
    create trigger t before insert on late for each row execute function held_up()`);
  await gate.query('lock gate');
  const dying = await open({ table: 'late' });
  const written = apply(dying.target, dying.container, [creating('contacts', 't', body)]);
  await until(async () => (await waiting()) === 1);

  const digest = kinds.contacts.digest(body);
  const located = all(target.locate(container, [{ token: 't', digest }], '', async () => new Set(), never));
  await until(async () => (await waiting()) === 2);
  await gate.query('commit');
  gate.release();
  const [answer] = [...(await written).values()];
  expect(await located).toMatchObject([{ token: 't', found: 'landed', ...answer }]);
  target.close();
  dying.target.close();
});

it('knows that a batch is absent whose worker died before the commit', async () => {
  const { target, container } = await open({ table: 'dead' });
  const gate = await other();
  await server.sql(`create trigger t before insert on dead for each row execute function held_up()`);
  await gate.query('lock gate');
  const dying = await open({ table: 'dead' });
  const cut = new AbortController();
  const writes = Array.from({ length: 200 }, (_, n) => creating('contacts', `t${n}`, card(n)));
  const running = all(dying.target.write(dying.container, writes, cut.signal));
  await until(async () => (await waiting()) === 1);
  cut.abort(new Error('killed'));
  await expect(running).rejects.toThrow('killed');
  const intents = writes.map(({ token, digest }) => ({ token, digest }));
  const located = all(target.locate(container, intents, '', async () => new Set(), never));
  await until(async () => (await waiting()) === 2);
  await gate.query('commit');
  gate.release();
  expect(new Set((await located).map(({ found }) => found))).toEqual(new Set(['absent']));
  expect(await server.sql('select count(*)::int as n from dead')).toEqual([{ n: 0 }]);
  target.close();
});

it('does not make other accounts wait', async () => {
  const anna = await open({ table: 'shared', account: 'anna' });
  const bela = await open({ table: 'shared', account: 'bela' });
  const gate = await other();
  await server.sql(
    `create trigger t before insert on shared for each row when (new.owner = 'anna') execute function held_up()`,
  );
  await gate.query('lock gate');
  const written = apply(anna.target, anna.container, [creating('contacts', 't', card(1))]);
  await until(async () => (await waiting()) === 1);
  expect(
    await all(bela.target.locate(bela.container, [{ token: 't', digest: 'x' }], '', async () => new Set(), never)),
  ).toEqual([{ token: 't', found: 'absent' }]);
  await gate.query('commit');
  gate.release();
  await written;
  anna.target.close();
  bela.target.close();
});

it('does not overwrite what a second writer commits in the same moment', async () => {
  const { target, container } = await open({ table: 'raced' });
  const [made] = [...(await apply(target, container, [creating('contacts', 't', card(1))])).values()] as unknown as [
    { ref: string; version: string },
  ];
  const person = await other();
  await person.query(`update raced set full_name = 'By hand'`);
  const running = apply(target, container, [updating('contacts', made.ref, made.version, card(2))]);
  await until(async () => (await waiting()) === 1);
  await person.query('commit');
  person.release();
  expect((await running).get('u')).toMatchObject({ conflicted: 'u', ref: made.ref });
  expect(await server.sql('select full_name from raced')).toEqual([{ full_name: 'By hand' }]);
  target.close();
});

it('says what became of the connection, and connects again', async () => {
  const { target, container } = await open({ table: 'ended' });
  const end = () =>
    server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'drover'`);
  const writes = [creating('contacts', 't', card(1))];
  await end();
  await until(
    async () => (await server.sql(`select from pg_stat_activity where application_name = 'drover'`)).length === 0,
  );
  await target.describe(never).catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }));
  const gate = await other();
  await server.sql('create trigger t before insert on ended for each row execute function held_up()');
  await gate.query('lock gate');
  const running = apply(target, container, writes).catch((error: unknown) => error);
  await until(async () => (await waiting()) === 1);
  await end();
  expect(await running).toMatchObject({ code: 'unavailable' });
  await gate.query('commit');
  gate.release();
  expect([...(await apply(target, container, writes)).values()]).toMatchObject([{ token: 't' }]);
  target.close();

  await server.sql(`create role few login superuser password 'few' connection limit 0`);
  await server.sql(`alter role few nosuperuser`);
  const none = server.target({ auth: { username: 'few', password: { env: 'X' } }, password: 'few' });
  await expect(none.place(never)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: expect.any(Number) });
  none.close();
});

it('is all or nothing when it is cut off at any moment of a batch', async () => {
  const { target, container } = await open({ table: 'cut' });
  let landed = 0;
  for (let round = 0; round < 12; round++) {
    await server.sql('truncate cut');
    const cut = new AbortController();
    const writes = Array.from({ length: 100 }, (_, n) => creating('contacts', `t${n}`, card(n)));
    const running = all(target.write(container, writes, cut.signal)).catch((error: Error) => error.message);
    for (let turn = 0; turn < round * 3; turn++) await new Promise(setImmediate);
    cut.abort(new Error('cut'));
    const answers = await running;
    const intents = writes.map(({ token, digest }) => ({ token, digest }));
    const found = await all(target.locate(container, intents, '', async () => new Set(), never));
    const there = found.filter((one) => one.found === 'landed').length;
    expect([0, 100]).toContain(there);
    if (answers !== 'cut') expect(there).toBe(100);
    landed += there;
    expect((await server.sql<{ n: number }>('select count(*)::int as n from cut'))[0]?.n).toBe(there);
  }
  expect(landed).toBeLessThan(1_200);
  target.close();
});

it('lists and scans many contacts, also with photos, a few at a time', async () => {
  const { target, container } = await open({ table: 'many' });
  const photo = `PHOTO;ENCODING=b;TYPE=JPEG:${'A'.repeat(400_000)}`;
  await server.sql(
    `insert into many (owner, uid, vcard) select 'anna', n, E'BEGIN:VCARD\\r\\nVERSION:3.0\\r\\nUID:' || n || E'\\r\\nFN:N\\r\\n'
       || case when n <= 200 then $1 || E'\\r\\n' else '' end || E'END:VCARD\\r\\n' from generate_series(1, 12000) n`,
    [photo],
  );
  const source = server.source({ table: 'many' });
  const [shown] = await all(source.containers(never));
  const items = await entries(source.list(shown as never, undefined, never));
  expect(items.length).toBe(12_000);
  expect(items.map(({ key }) => key)).toEqual(items.map(({ key }) => key).sort());
  expect(items.filter(({ bytes = 0 }) => bytes > 400_000).length).toBe(200);
  let seen = 0;
  let largest = 0;
  for await (const page of target.scan(container, async () => new Set(), never)) {
    seen += page.entries.length;
    largest = Math.max(
      largest,
      page.entries.reduce((sum, one) => sum + one.bytes, 0),
    );
  }
  expect(seen).toBe(12_000);
  expect(largest).toBeLessThan(16 * 2 ** 20);
  source.close();
  target.close();
});
