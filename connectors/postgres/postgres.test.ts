import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { all, apply, never } from '../../tests/conformance/collect.js';
import { creating } from '../../tests/conformance/items.js';
import { card, oddCards } from '../../tests/conformance/odd-cards.js';
import type { LedgerServer } from '../../tests/engine/ledger.js';
import { startLedger } from '../../tests/engine/ledger.js';
import type { Target } from '../contract.js';
import { kinds } from '../kinds.js';
import { Database } from './database.js';
import type { PostgresOptions } from './manifest.js';
import { createPostgresTarget } from './target.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
  await server.ledger.pool.query(`create table people (
    email varchar(60) primary key, full_name text not null check (full_name <> 'Nobody'), mobile text, company text, customer text)`);
  await server.ledger.pool.query('create table keyless (email text)');
}, 60_000);
afterAll(() => server.stop());

const columns = {
  email: 'email',
  name: 'full_name',
  'phone:cell': 'mobile',
  organization: 'company',
  'X-CUSTOMER-NUMBER': 'customer',
};

function open(more: Partial<PostgresOptions> = {}, password?: string): Target<Buffer> {
  const url = new URL(server.url);
  const options = {
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    tls: 'none',
    auth: { username: decodeURIComponent(url.username), password: { env: 'X' } },
    table: 'people',
    columns,
    ...more,
  } as PostgresOptions;
  const secret = async () => password ?? decodeURIComponent(url.password);
  return createPostgresTarget(new Database(options, { account: 'anna', kind: 'contacts', secret }));
}

const person = (email: string, more: string[] = []): Buffer =>
  Buffer.from(
    [
      'BEGIN:VCARD',
      'VERSION:3.0',
      `UID:${email}`,
      'N:Weber;Anna;;;',
      'FN:Anna Weber',
      `EMAIL:${email}`,
      ...more,
      'END:VCARD',
      '',
    ].join('\r\n'),
  );

describe('a table of the user’s own, without the whole card', () => {
  it('holds what has a column, and says what has none', async () => {
    const target = open();
    await target.place(never);
    const container = await target.ensure({ path: ['any'] }, never);
    const raw = person('a@x.example', [
      'TEL;TYPE=CELL:+49 170 1',
      'TEL;TYPE=HOME:+49 30 2',
      'X-CUSTOMER-NUMBER:4711',
      'NOTE:secret',
    ]);
    const fitted = target.fit?.(raw);
    expect(fitted?.notes).toEqual(['UID has no column', 'N has no column', 'TEL: 1 of 2 kept', 'NOTE has no column']);
    const answers = await apply(target, container, [creating('contacts', 't', fitted?.body as Buffer)]);
    const { rows } = await server.ledger.pool.query('select * from people');
    expect(rows).toEqual([
      { email: 'a@x.example', full_name: 'Anna Weber', mobile: '+49 170 1', company: null, customer: '4711' },
    ]);
    const [copy] = await all(target.readBack(container, ['a@x.example'], never));
    expect(copy?.digest).toBe(kinds.contacts.digest(fitted?.body as Buffer));
    expect(answers.get('t')).toMatchObject({ ref: 'a@x.example', version: copy?.version });
    target.close();
  });

  it('refuses the rows that the table refuses, and no others', async () => {
    const target = open();
    await target.place(never);
    const container = await target.ensure({ path: ['any'] }, never);
    const inForm = (body: Buffer) => target.fit?.(body).body as Buffer;
    const answers = await apply(target, container, [
      creating('contacts', 'good', inForm(person('b@x.example'))),
      creating('contacts', 'long', inForm(person(`${'c'.repeat(80)}@x.example`))),
      creating(
        'contacts',
        'nobody',
        inForm(Buffer.from(person('d@x.example').toString().replace('FN:Anna Weber', 'FN:Nobody'))),
      ),
      creating('contacts', 'taken', inForm(person('a@x.example'))),
      creating('contacts', 'last', inForm(person('e@x.example'))),
    ]);
    expect([...answers].map(([token, answer]) => [token, Object.keys(answer)[0]]).sort()).toEqual([
      ['good', 'token'],
      ['last', 'token'],
      ['long', 'refused'],
      ['nobody', 'refused'],
      ['taken', 'conflicted'],
    ]);
    expect(JSON.stringify([...answers])).not.toContain('cccc');
    target.close();
  });

  it('fits every odd card once and for all', async () => {
    const target = open();
    await target.place(never);
    for (const [name, body] of Object.entries(oddCards)) {
      const once = target.fit?.(body).body as Buffer;
      expect(target.fit?.(once).body.toString(), name).toBe(once.toString());
    }
    target.close();
  });
});

describe('what is wrong with the spec or the server', () => {
  const cases: [string, Partial<PostgresOptions>, string, string][] = [
    ['a missing table', { table: 'nobody' }, 'spec', 'there is no table nobody'],
    ['a missing column', { columns: { email: 'mail' } }, 'spec', 'there is no column mail'],
    ['a table without a key', { table: 'keyless', columns: { email: 'email' } }, 'spec', 'no primary key'],
    ['a key that is not unique', { key: 'company' }, 'spec', 'company is not unique'],
    ['a missing database', { database: 'nowhere' }, 'spec', 'nowhere'],
    ['a closed port', { port: 1 }, 'unavailable', 'ECONNREFUSED'],
  ];
  for (const [name, more, code, words] of cases) {
    it(`says so: ${name}`, async () => {
      const target = open(more);
      const failure = await target.ensure({ path: ['any'] }, never).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code, message: expect.stringContaining(words) as string });
      target.close();
    });
  }

  it('takes names for names, never for SQL', async () => {
    const target = open({ columns: { email: 'email"; drop table people; --' } as never });
    await expect(target.ensure({ path: ['any'] }, never)).rejects.toMatchObject({ code: 'spec' });
    expect((await server.ledger.pool.query('select count(*) as n from people')).rows[0].n).toBeGreaterThan(0);
    target.close();
  });
});

it('leaves nothing behind when it is cut off in the middle of a batch', async () => {
  const target = open({ table: 'cut', columns: undefined as never });
  await target.place(never);
  const container = await target.ensure({ path: ['any'] }, never);
  const cut = new AbortController();
  const writes = Array.from({ length: 200 }, (_, n) => creating('contacts', `t${n}`, card(n)));
  const running = all(target.write(container, writes, cut.signal));
  cut.abort(new Error('cut'));
  await expect(running).rejects.toThrow('cut');
  const { rows } = await server.ledger.pool.query('select count(*) as n from cut');
  expect([0, 200]).toContain(rows[0].n);
  target.close();
});
