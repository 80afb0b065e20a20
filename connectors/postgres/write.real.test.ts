import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { all, apply, entries, never } from '../../tests/conformance/collect.js';
import { creating, updating } from '../../tests/conformance/items.js';
import { card, oddCards } from '../../tests/conformance/odd-cards.js';
import type { ContactsServer, Options } from '../../tests/servers/contacts-table.js';
import { startContactsServer } from '../../tests/servers/contacts-table.js';
import type { Target, TargetContainer, Write, WriteAnswer } from '../contract.js';
import { kinds } from '../kinds/kinds.js';

let server: ContactsServer;
beforeAll(async () => {
  server = await startContactsServer();
});
afterAll(() => server.stop());

interface Opened {
  readonly target: Target<Buffer>;
  readonly container: TargetContainer;
  /** Writes what fits of the bodies, by token. */
  create(bodies: Readonly<Record<string, Buffer>>): Promise<Record<string, WriteAnswer>>;
}

async function open(options: Options): Promise<Opened> {
  const target = server.target(options);
  await target.place(never);
  const container = await target.ensure({ path: ['any'] }, never);
  return {
    target,
    container,
    async create(bodies) {
      const writes = Object.entries(bodies).map(([token, body]) =>
        creating('contacts', token, target.fit?.(body).body as Buffer),
      );
      return Object.fromEntries(await apply(target, container, writes));
    },
  };
}

const person = (email: string, ...more: string[]): Buffer =>
  Buffer.from(
    ['BEGIN:VCARD', 'VERSION:3.0', `UID:${email}`, 'FN:Anna Weber', `EMAIL:${email}`, ...more, 'END:VCARD', ''].join(
      '\r\n',
    ),
  );

const refOf = (answer: WriteAnswer | undefined): string => {
  if (answer && 'token' in answer && answer.ref !== undefined) return answer.ref;
  throw new Error(`not written: ${JSON.stringify(answer)}`);
};

const columns = { email: 'email', name: 'shown', uid: 'uid' };

describe('a row that the table refuses costs only itself', () => {
  const cases: [string, string, string][] = [
    ['a check', `alter table T add check (email not like 'bad%')`, 'violates check constraint'],
    ['a length', 'alter table T alter email type varchar(14)', 'value too long'],
    [
      'a trigger',
      `create function no_bad() returns trigger language plpgsql as $$ begin
        if new.email like 'bad%' then raise exception 'we know %, called %, already', new.email, new.shown; end if; return new; end $$;
       create trigger t before insert or update on T for each row execute function no_bad()`,
      'we know …, called …, already',
    ],
    [
      'a deferred trigger',
      `create constraint trigger t after insert or update on T deferrable initially deferred for each row
        when (new.email like 'bad%') execute function no_bad()`,
      'we know …, called …, already',
    ],
    ['an index that is too narrow', 'create index on T (uid)', 'index row'],
    [
      'a missing neighbour',
      'alter table T add foreign key (email) references allowed deferrable initially deferred',
      'foreign key',
    ],
  ];
  for (const [at, [name, change, words]] of cases.entries()) {
    it(name, async () => {
      const table = `refusing${at}`;
      await server.sql(
        `create table ${table} (id int generated always as identity primary key, email text, shown text, uid text)`,
      );
      await server.sql('create table if not exists allowed (email text primary key)');
      await server.sql(
        `insert into allowed select 'good' || n || '@x.de' from generate_series(0, 60) n on conflict do nothing`,
      );
      await server.sql(change.replaceAll(/\bT\b/g, table));
      const { target, container, create } = await open({ table, columns });
      const good = Array.from({ length: 40 }, (_, n) => [`t${n}`, person(`good${n}@x.de`)]);
      const uid = Array.from({ length: 900 }, (_, n) => `${n}#${n * 7919}`).join('');
      const bad = Buffer.from(
        person('bad-and-longer@x.de')
          .toString()
          .replace(/UID:.*/, `UID:${uid}`),
      );
      const answers = await create({ ...Object.fromEntries(good), bad, last: person('good41@x.de') });
      const refused = Object.values(answers).flatMap((one) => ('refused' in one ? [one] : []));
      expect(refused).toMatchObject([{ refused: 'bad', reason: expect.stringContaining(words) as string }]);
      expect(refused[0]?.reason).not.toMatch(/@|Anna|7919/);
      expect(await server.sql(`select count(*)::int as n from ${table}`)).toEqual([{ n: 41 }]);

      const [first, last] = [answers.t1, answers.last].map((one) => refOf(one)) as [string, string];
      const inForm = (body: Buffer) => target.fit?.(body).body as Buffer;
      const again = await apply(target, container, [
        { ...updating('contacts', first, undefined, inForm(bad)), token: 'a' },
        { ...updating('contacts', last, undefined, inForm(person('good42@x.de'))), token: 'b' },
      ]);
      expect([again.get('a'), again.get('b')]).toMatchObject([{ refused: 'a' }, { token: 'b', ref: last }]);
      target.close();
    });
  }
});

describe('what is in the way', () => {
  it('is told, whichever column is unique, and also when the constraint waits for the end', async () => {
    await server.sql(`create table unique1 (id int primary key generated always as identity, branch int not null,
      email text unique deferrable initially deferred, shown text, uid text, unique (branch, uid))`);
    const mine = { table: 'unique1', columns, owner: { column: 'branch', value: '7' } };
    const { target, container, create } = await open(mine);
    const { a } = await create({ a: person('a@x.de') });
    const sameMail = Buffer.from(person('a@x.de').toString().replace('UID:a', 'UID:b'));
    const sameUid = Buffer.from(person('a@x.de').toString().replace('EMAIL:a', 'EMAIL:c'));
    const answers = await create({ sameMail, sameUid, free: person('d@x.de') });
    const ref = refOf(a);
    expect(answers).toMatchObject({
      sameMail: { conflicted: 'sameMail', ref },
      sameUid: { conflicted: 'sameUid', ref },
      free: { token: 'free' },
    });
    const body = target.fit?.(sameMail).body as Buffer;
    const updated = await apply(target, container, [updating('contacts', refOf(answers.free), undefined, body)]);
    expect(updated.get('u')).toMatchObject({ conflicted: 'u', ref });
    target.close();

    const other = await open({ ...mine, owner: { column: 'branch', value: '8' } });
    expect(await other.create({ o: sameMail })).toMatchObject({
      o: { refused: 'o', reason: expect.stringContaining('another owner') as string },
    });
    other.target.close();
  });

  it('is another of the same batch', async () => {
    const { target, create } = await open({ table: 'one_batch' });
    const answers = await create({ a: person('a@x.de'), b: person('a@x.de', 'NOTE:second'), c: person('c@x.de') });
    expect(answers).toMatchObject({
      a: { token: 'a' },
      b: { conflicted: 'b', ref: refOf(answers.a) },
      c: { token: 'c' },
    });
    target.close();
  });
});

it('knows which row is whose when a trigger changes them, or the identity is empty', async () => {
  await server.sql('create table changing (id serial primary key, email text unique, shown text, uid text)');
  await server.sql(`create function changed() returns trigger language plpgsql as
    $$ begin new.uid = coalesce('crm-' || lower(new.email), 'none'); return new; end $$;
    create trigger t before insert on changing for each row execute function changed()`);
  const { target, create } = await open({ table: 'changing', columns });
  const answers = await create({ a: person('A@x.de'), b: person('b@x.de') });
  const rows = await server.sql<{ id: number; email: string }>('select id, email from changing order by id');
  expect(rows.map(({ email }) => email)).toEqual(['A@x.de', 'b@x.de']);
  expect([refOf(answers.a), refOf(answers.b)]).toEqual(rows.map(({ id }) => String(id)));
  const again = await create({ c: person('c@x.de'), a2: person('A@x.de'), a3: person('A@x.de') });
  const conflict = { ref: refOf(answers.a) };
  expect(again).toMatchObject({ c: { token: 'c' }, a2: conflict, a3: conflict });
  target.close();

  await server.sql('create table anonymous (id serial primary key, phone text, uid text)');
  const plain = await open({ table: 'anonymous', columns: { phone: 'phone', 'X-ID': 'uid' }, key: 'id' }).catch(
    (error: unknown) => error,
  );
  expect(plain).toMatchObject({ code: 'spec' });
});

it('gives a contact without UID one that follows from its content, where it needs one', async () => {
  const { target, create } = await open({ table: 'uidless' });
  const body = Buffer.from(
    person('x@x.de')
      .toString()
      .replace(/UID:.*\r\n/, ''),
  );
  const fit = target.fit?.(body);
  expect(fit?.notes?.join()).toContain('UID');
  expect(target.fit?.(body)).toEqual(fit);
  expect(target.fit?.(fit?.body as Buffer)).toEqual({ body: fit?.body });
  expect(await create({ a: body })).toMatchObject({ a: { token: 'a' } });
  expect(await create({ again: body })).toMatchObject({ again: { conflicted: 'again' } });
  target.close();
});

it('fills the documented columns, and keeps the card to the byte', async () => {
  const { target, container, create } = await open({ table: 'documented' });
  const body = oddCards['3.0 several values with types'] as Buffer;
  const { a } = await create({ a: body });
  const [row] = await server.sql('select * from documented');
  expect(row).toMatchObject({
    owner: 'anna',
    uid: 'types@odd.example',
    full_name: 'Dr. Anna Weber',
    given_name: 'Anna',
    family_name: 'Weber',
    emails: ['anna@work.example', 'anna@home.example', 'Anna+Lists@Home.Example'],
    phones: ['+49 30 1234-0', '+49 30 1234-99', '0170 / 1234567', '+49 30 765'],
    addresses: [
      'Room 4, Main Street 1, rear, Berlin, 10115, Germany',
      'PO Box 7, Potsdam, Brandenburg, 14467, Germany',
    ],
    vcard: body.toString(),
  });
  await server.sql(`update documented set updated_at = 'epoch', created_at = 'epoch'`);
  await apply(target, container, [updating('contacts', refOf(a), undefined, person('types@odd.example'))]);
  expect(
    await server.sql(`select updated_at > 'epoch' as touched, created_at > 'epoch' as anew, phones from documented`),
  ).toEqual([{ touched: true, anew: false, phones: [] }]);
  target.close();
});

it('holds numbers, dates, ids, domains and arrays in their own types, proven', async () => {
  await server.sql(`create domain mail as varchar(40) check (value like '%@%')`);
  await server.sql(`alter database people set datestyle = 'German'`);
  await server.sql(
    `create table typed (id uuid primary key, born date, no bigint, mail mail, mails varchar(40)[], tags text[], shown char(20))`,
  );
  const { target, container, create } = await open({
    table: 'typed',
    columns: {
      uid: 'id',
      birthday: 'born',
      'X-NO': 'no',
      'email:work': 'mail',
      email: 'mails',
      CATEGORIES: 'tags',
      name: 'shown',
    },
  });
  const uid = '6f1c2a34-0000-4000-8000-00000000000a';
  const body = person(
    'w@x.de',
    'BDAY:1970-04-01',
    'X-NO:007',
    'EMAIL;TYPE=WORK,PREF:o@x.de',
    'CATEGORIES:One\\, indeed,Two',
  );
  const { a } = await create({ a: Buffer.from(body.toString().replace(/UID:.*/, `UID:${uid}`)) });
  expect(refOf(a)).toBe(uid);
  const held = target.fit?.(Buffer.from(body.toString().replace(/UID:.*/, `UID:${uid}`)))?.body as Buffer;
  const [copy] = await all(target.readBack(container, [uid, 'no-uuid'], never));
  expect(copy?.digest).toBe(kinds.contacts.digest(held));
  expect(await server.sql('select born::text, no, mail, mails, tags from typed')).toEqual([
    { born: '1970-04-01', no: 7, mail: 'o@x.de', mails: ['o@x.de', 'w@x.de'], tags: ['One, indeed', 'Two'] },
  ]);
  target.close();
  await server.sql('alter database people reset datestyle');
});

it('goes by the version column where one is named', async () => {
  await server.sql(
    `create table counted (email text primary key, shown text, touched text, rev int not null default 1)`,
  );
  await server.sql(`create function count_up() returns trigger language plpgsql as $$ begin new.rev = old.rev + 1; return new; end $$;
    create trigger t before update of email, shown on counted for each row execute function count_up()`);
  const options = { table: 'counted', columns: { email: 'email', name: 'shown' }, version: 'rev' };
  const { target, container, create } = await open(options);
  const { a } = await create({ a: person('a@x.de') });
  expect(a).toMatchObject({ ref: 'a@x.de', version: '1' });
  const source = server.source(options);
  const token = async () => (await all(source.containers(never)))[0]?.token;
  const before = await token();
  await server.sql(`update counted set touched = 'today'`);
  expect(await token()).toBe(before);
  await server.sql(`update counted set shown = 'Other'`);
  expect(await token()).not.toBe(before);
  const body = target.fit?.(person('a@x.de', 'TITLE:x')).body as Buffer;
  expect((await apply(target, container, [updating('contacts', 'a@x.de', '1', body)])).get('u')).toMatchObject({
    conflicted: 'u',
  });
  expect((await apply(target, container, [updating('contacts', 'a@x.de', '2', body)])).get('u')).toMatchObject({
    version: '3',
  });
  source.close();
  target.close();
});

it('follows a row whose key changes, and keys of all kinds', async () => {
  await server.sql('create table keyed (email text primary key, shown text)');
  const { target, container, create } = await open({ table: 'keyed', columns: { email: 'email', name: 'shown' } });
  await create({ a: person('a@x.de'), z: person('Z@x.de'), u: person('ü@x.de') });
  const body = target.fit?.(person('b@x.de')).body as Buffer;
  expect((await apply(target, container, [updating('contacts', 'a@x.de', undefined, body)])).get('u')).toMatchObject({
    ref: 'b@x.de',
  });
  expect((await entries(target.scan(container, async () => new Set(), never))).map(({ ref }) => ref)).toEqual([
    'Z@x.de',
    'b@x.de',
    'ü@x.de',
  ]);
  target.close();

  await server.sql(
    'create table numbered (no bigint generated by default as identity primary key, uid text, shown text)',
  );
  await server.sql(`insert into numbered select n, n, n from unnest('{-5,0,9,10,9223372036854775807}'::bigint[]) n`);
  const numbers = await open({ table: 'numbered', columns: { uid: 'uid', name: 'shown' } });
  const refs = (await entries(numbers.target.scan(numbers.container, async () => new Set(), never))).map(
    ({ ref }) => ref,
  );
  expect(refs).toEqual(['-5', '0', '10', '9', '9223372036854775807']);
  const odd = ['99999999999999999999', 'x', '', "'; --"];
  expect((await all(numbers.target.readBack(numbers.container, [...refs, ...odd], never))).length).toBe(5);
  const gone = await apply(
    numbers.target,
    numbers.container,
    odd.map((ref): Write<Buffer> => ({ op: 'remove', token: `r${ref}`, ref })),
  );
  expect([...gone.values()].every((answer) => 'token' in answer)).toBe(true);
  expect(await server.sql('select count(*)::int as n from numbered')).toEqual([{ n: 5 }]);
  numbers.target.close();
});

it('works on a table in partitions', async () => {
  await server.sql(`create table parted (uid text primary key, shown text, raw text, rev int not null default 1) partition by hash (uid);
    create table parted0 partition of parted for values with (modulus 2, remainder 0);
    create table parted1 partition of parted for values with (modulus 2, remainder 1)`);
  const options = { table: 'parted', columns: { uid: 'uid', name: 'shown', vcard: 'raw' } };
  await expect(open(options)).rejects.toMatchObject({ code: 'spec' });
  const { target, container, create } = await open({ ...options, version: 'rev' });
  const answers = await create({ a: card(1), b: card(2), c: card(3) });
  const copies = await all(target.readBack(container, Object.values(answers).map(refOf).sort(), never));
  expect(copies.length).toBe(3);
  for (const answer of Object.values(answers))
    expect(answer).toMatchObject({ version: copies.find((one) => one.ref === refOf(answer))?.version });
  target.close();
});
