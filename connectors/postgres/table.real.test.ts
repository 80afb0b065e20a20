import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { all, apply, never } from '../../tests/conformance/collect.js';
import { creating } from '../../tests/conformance/items.js';
import { card } from '../../tests/conformance/odd-cards.js';
import type { ContactsServer, Options } from '../../tests/servers/contacts-table.js';
import { startContactsServer } from '../../tests/servers/contacts-table.js';
import type { Target } from '../contract.js';

let server: ContactsServer;
beforeAll(async () => {
  server = await startContactsServer();
  await server.sql(`create table people (
    email varchar(60) primary key, full_name text not null, company text, number int, born date, tags text[])`);
  await server.sql('create table keyless (email text)');
  await server.sql('create table nullable (email text unique)');
  await server.sql('create table pairs (a text, b text, primary key (a, b))');
  await server.sql('create table strict (email text primary key, branch text not null)');
  await server.sql('create table counted (id int generated always as identity primary key, email text)');
  await server.sql('create view looked_at as select * from people');
  await server.sql('create table "contacts" (id int primary key, whatever text)');
  await server.sql(`create role reader login password 'reads'`);
  await server.sql('grant select on people to reader');
});
afterAll(() => server.stop());

const opened = async (options: Options): Promise<Target<Buffer>> => {
  const target = server.target(options);
  await target.ensure({ path: ['any'] }, never);
  return target;
};
const failure = async (options: Options): Promise<unknown> => {
  const target = server.target(options);
  const found = await target.ensure({ path: ['any'] }, never).then(
    () => 'it was opened',
    (error: unknown) => error,
  );
  target.close();
  return found;
};

describe('says what is wrong, and what to do', () => {
  const people = { table: 'people', columns: { email: 'email', name: 'full_name' } };
  const reader = { username: 'reader', password: { env: 'X' } };
  const cases: [string, Options, string, string, string][] = [
    ['a missing table', { ...people, table: 'nobody' }, 'spec', 'there is no table nobody', 'make it'],
    ['a table not to be made', { table: 'nobody', create: false }, 'spec', 'no table nobody', 'let create be true'],
    ['a table of others by our name', {}, 'spec', 'table contacts: there is no column uid', 'name another table'],
    [
      'a missing column',
      { ...people, columns: { email: 'mail' } },
      'spec',
      'there is no column mail',
      'correct columns',
    ],
    ['a type that holds no text', { table: 'counted', columns: { vcard: 'id' } }, 'spec', 'type integer', 'map to a'],
    ['a list of names', { ...people, columns: { email: 'email', family: 'tags' } }, 'spec', 'an array', 'plain column'],
    ['two words for one thing', { ...people, columns: { FN: 'full_name' } }, 'spec', 'mapped to FN', 'say name'],
    ['no key', { table: 'keyless', columns: { email: 'email' } }, 'spec', 'no primary key of one', 'with key'],
    ['a key of two columns', { table: 'pairs', columns: { email: 'a' } }, 'spec', 'no primary key of one', 'with key'],
    ['a key that is not unique', { ...people, key: 'company' }, 'spec', 'company is not unique', 'create unique index'],
    ['a key that may be null', { table: 'nullable', columns: { email: 'email' }, key: 'email' }, 'spec', 'null', 'key'],
    ['a column to fill', { table: 'strict', columns: { email: 'email' } }, 'spec', 'branch must be filled', 'map it'],
    [
      'a generated column',
      { table: 'counted', columns: { 'X-NO': 'id', email: 'email' } },
      'spec',
      'generated',
      'leave',
    ],
    ['a view', { ...people, table: 'looked_at' }, 'spec', 'is a view', 'name a table'],
    ['an owner without column', { ...people, owner: { column: 'whose', value: 'x' } }, 'spec', 'column whose', 'owner'],
    [
      'an owner of the wrong type',
      { ...people, owner: { column: 'number', value: 'x' } },
      'spec',
      'no integer',
      'owner',
    ],
    ['a missing version', { ...people, version: 'counter' }, 'spec', 'there is no column counter', 'correct version'],
    [
      'addresses whole and in parts',
      { ...people, columns: { email: 'email', address: 'company', city: 'full_name' } },
      'spec',
      'address and city',
      'parts',
    ],
    [
      'one column for two words',
      { ...people, columns: { email: 'email', 'email:work': 'email' } },
      'spec',
      'email is mapped twice',
      'each word',
    ],
    ['a missing database', { ...people, database: 'nowhere' }, 'spec', 'nowhere', 'correct database'],
    ['a closed port', { ...people, port: 1 }, 'unavailable', 'ECONNREFUSED', 'host and port'],
    ['a server without TLS', { ...people, tls: 'verify' }, 'spec', 'does not speak TLS', 'tls'],
    ['a wrong password', { ...people, password: 'wrong' }, 'credentials', '28P01', 'the right password'],
    ['a role without rights', { ...people, auth: reader, password: 'reads' }, 'credentials', 'may not insert', 'grant'],
    [
      'a role that may make no table',
      { table: 'new', auth: reader, password: 'reads' },
      'credentials',
      '42501',
      'rights',
    ],
  ];
  for (const [name, options, code, words, next] of cases) {
    it(name, async () => {
      expect(await failure(options)).toMatchObject({
        code,
        message: expect.stringContaining(words) as string,
        next: expect.stringContaining(next) as string,
      });
    });
  }

  it('tells doctor what stands in the way', async () => {
    const target = server.target({ ...people, auth: reader, password: 'reads' });
    const told = await target.describe(never);
    target.close();
    expect(told).toContainEqual({ name: 'table', value: 'public.people', problem: expect.stringContaining('insert') });
  });
});

it('takes names for names, never for SQL', async () => {
  const odd = `x"; drop table people; --`;
  for (const options of [
    { table: odd },
    { table: `public.${odd}` },
    { table: 'people', columns: { email: odd } },
    { table: 'people', columns: { email: 'email' }, key: odd },
    { table: 'people', columns: { email: 'email' }, owner: { column: odd, value: 'x' } },
    { table: 'people', columns: { email: 'email' }, version: odd },
  ] as Options[]) {
    await failure(options);
  }
  expect(await server.sql(`select to_regclass('people') is not null as there`)).toEqual([{ there: true }]);
});

it('writes to a table whose names need quotes', async () => {
  await server.sql(`create schema "Sales $"`);
  await server.sql(`create table "Sales $"."order" ("from" text primary key, "E""mail" text, "select" text)`);
  const fine = await opened({ table: 'Sales $.order', columns: { uid: 'from', email: 'E"mail' } } as Options);
  const body = fine.fit?.(card(1)).body as Buffer;
  await apply(fine, await fine.ensure({ path: [] }, never), [creating('contacts', 't', body)]);
  expect(await server.sql(`select "E""mail" as mail from "Sales $"."order"`)).toEqual([
    { mail: 'person1@cards.example' },
  ]);
  fine.close();
});

it('finds a table in the search path, and makes it in the first schema of it', async () => {
  await server.sql('create schema first');
  await server.sql(`create role wanderer login superuser password 'w'`);
  await server.sql('alter role wanderer set search_path = first, public');
  const as = { auth: { username: 'wanderer', password: { env: 'X' } }, password: 'w' };
  const there = server.target({ ...as, table: 'people', columns: { email: 'email', name: 'full_name' } });
  expect((await there.place(never)).proof).toMatch(/\/public\.people\/$/);
  expect(await there.ensure({ path: [] }, never)).toMatchObject({ key: 'public.people' });
  const made = server.target({ ...as, table: 'made' });
  const before = await made.place(never);
  expect(await made.ensure({ path: [] }, never)).toMatchObject({ key: 'first.made', created: true });
  expect(await made.place(never)).toEqual(before);
  there.close();
  made.close();
});

it('makes the table once when two sessions want it', async () => {
  const targets = Array.from({ length: 6 }, () => server.target({ table: 'wanted' }));
  const made = await Promise.all(targets.map((target) => target.ensure({ path: [] }, never)));
  expect(new Set(made.map(({ key }) => key))).toEqual(new Set(['public.wanted']));
  for (const target of targets) target.close();
});

it('keeps the accounts of one table apart', async () => {
  const [anna, bela] = ['anna', 'bela'].map((account) => server.target({ table: 'shared', account })) as [
    Target<Buffer>,
    Target<Buffer>,
  ];
  const container = await anna.ensure({ path: [] }, never);
  await bela.ensure({ path: [] }, never);
  const [first] = await apply(anna, container, [creating('contacts', 'a', card(1))]).then((map) => [...map.values()]);
  expect(await apply(bela, container, [creating('contacts', 'b', card(1))])).toMatchObject(new Map([['b', {}]]));
  expect(await server.sql('select owner from shared order by owner')).toEqual([{ owner: 'anna' }, { owner: 'bela' }]);
  const ref = first && 'token' in first ? (first.ref as string) : '';
  expect(await all(bela.readBack(container, [ref], never))).toEqual([]);
  await apply(bela, container, [{ op: 'remove', token: 'r', ref }]);
  expect((await server.sql('select owner from shared')).length).toBe(2);
  expect((await anna.place(never)).proof).not.toBe((await bela.place(never)).proof);
  anna.close();
  bela.close();
});
