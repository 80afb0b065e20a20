import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { expectGolden } from '../tests/golden.js';
import { formatDiagnostic } from './diagnostic.js';
import { loadSpec, manifests } from './load.js';
import type { Read } from './validate.js';
import { validateSpec } from './validate.js';

const golden = fileURLToPath(new URL('../tests/golden/diagnostics/', import.meta.url));
const readGolden: Read = (path) => readFile(golden + path);

const memory = (files: Record<string, string>): Read => {
  return async (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return Buffer.from(text);
  };
};

const valid = `
version: 1
name: office
sources:
  old: { type: imap, host: h, auth: { username: "{account}", password: { env: P } }, limits: { connections: 3 } }
targets:
  new: { type: maildir, path: "/srv/{account}" }
selections:
  - { name: mail, kind: mail, from: old, to: new, accounts: { file: people.csv } }
schedules:
  - { name: nightly, selections: [mail], every: 1d }
`;

describe('diagnostics', () => {
  const cases = readdirSync(golden).filter((file) => file.endsWith('.yaml'));
  it.each(cases)('%s', async (file) => {
    const loaded = await loadSpec(file, readGolden);

    const problems = 'problems' in loaded ? loaded.problems : loaded.warnings;
    expectGolden(
      `diagnostics/${file.replace('.yaml', '.txt')}`,
      problems.map((each) => `${formatDiagnostic(each)}\n`).join(''),
    );
    expect(JSON.stringify(problems)).not.toContain('CANARY');
  });

  it('points into the spec with a JSON Pointer', async () => {
    const loaded = await loadSpec(
      's.yaml',
      memory({ 's.yaml': valid.replace('maildir', 'maildri'), 'people.csv': 'from,to\na,b\n' }),
    );

    expect(loaded).toEqual({
      problems: [
        {
          file: 's.yaml',
          line: 7,
          column: 16,
          message: 'unknown connector "maildri"; did you mean "maildir"?',
          path: '/targets/new/type',
        },
      ],
    });
  });
});

describe('a valid spec', () => {
  it('tells of the first thousand rows of a CSV file, where very many are wrong', async () => {
    const csv = `from,to\n${'anna,\n'.repeat(20_000)}`;

    const loaded = await loadSpec('s.yaml', memory({ 's.yaml': valid, 'people.csv': csv }));

    const messages = 'problems' in loaded ? loaded.problems.map(formatDiagnostic) : [];
    expect(messages).toHaveLength(1_001);
    expect(messages.at(-1)).toBe('people.csv:1002:1: 19000 more rows were not looked at');
  });

  it('has accounts inlined and systems split', async () => {
    const loaded = await loadSpec(
      'dir/s.yaml',
      memory({ 'dir/s.yaml': valid, 'dir/people.csv': 'to,from\nanna.berg,anna\n' }),
    );

    expect(loaded).toEqual({
      spec: {
        version: 1,
        name: 'office',
        sources: {
          old: {
            type: 'imap',
            limits: { connections: 3 },
            options: { host: 'h', auth: { username: '{account}', password: { env: 'P' } } },
          },
        },
        targets: { new: { type: 'maildir', options: { path: '/srv/{account}' } } },
        selections: [
          { name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts: [{ from: 'anna', to: 'anna.berg' }] },
        ],
        schedules: [{ name: 'nightly', selections: ['mail'], every: '1d' }],
      },
      warnings: [],
    });
  });

  it('may use plain aliases', async () => {
    const text = valid
      .replace('{ env: P }', '&p { env: P }')
      .replace('limits: { connections: 3 }', 'ca: &ca x, servername: *ca');

    const loaded = await loadSpec('s.yaml', memory({ 's.yaml': text, 'people.csv': 'from,to\na,b\n' }));

    expect(loaded).toMatchObject({ spec: { sources: { old: { options: { ca: 'x', servername: 'x' } } } } });
  });
});

describe('abilities of connectors', () => {
  const { imap } = manifests;
  if (imap === undefined) throw new Error('the imap manifest is gone');
  const limited = {
    onlyTarget: { ...imap, name: 'onlyTarget', roles: ['target'] },
    noMail: { ...imap, name: 'noMail', kinds: [] },
  } as const;
  const text = `
version: 1
name: x
sources:
  a: { type: onlyTarget, host: h, auth: { username: u, password: { env: P } } }
  b: { type: noMail, host: h, auth: { username: u, password: { env: P } } }
targets:
  c: { type: onlyTarget, host: i, auth: { username: u, password: { env: P } } }
selections:
  - { name: one, kind: mail, from: a, to: c, accounts: [{ from: a, to: b }] }
  - { name: two, kind: mail, from: b, to: c, accounts: [{ from: a, to: b }] }
`;
  it('are checked for role and kind', async () => {
    const loaded = await validateSpec('s.yaml', memory({ 's.yaml': text }), limited);

    const problems = 'problems' in loaded ? loaded.problems.map(formatDiagnostic) : [];
    expect(problems).toEqual([
      's.yaml:5:14: unknown connector "onlyTarget"; use noMail',
      's.yaml:10:36: "a" is of type onlyTarget, which cannot be a source',
      's.yaml:11:24: the source "b" is of type noMail, which has no kind "mail"; it has none',
    ]);
  });
});

describe('two-way', () => {
  const { memory: base } = manifests;
  if (base === undefined) throw new Error('the memory manifest is gone');
  const limited = { both: { ...base, name: 'both' }, reader: { ...base, name: 'reader', roles: ['source'] } } as const;
  const text = `
version: 1
name: x
sources:
  a: { type: both, name: a }
  b: { type: reader, name: b }
targets:
  c: { type: both, name: c }
selections:
  - { name: one, kind: calendar, from: a, to: c, mode: two-way, accounts: [{ from: a, to: b }] }
  - { name: two, kind: calendar, from: b, to: c, mode: two-way, accounts: [{ from: a, to: b }] }
`;
  it('asks for systems that can be source and target', async () => {
    const loaded = await validateSpec('s.yaml', memory({ 's.yaml': text }), limited);

    expect('problems' in loaded ? loaded.problems.map(formatDiagnostic) : []).toEqual([
      's.yaml:11:56: two-way needs systems that can be source and target; "b" is of type reader, which can be a source only',
    ]);
  });
});

describe('schedules that are slower than sync tokens live', () => {
  const warningsOf = async (schedule: string, more = '', life = ''): Promise<string[]> => {
    const text = `
version: 1
name: x
sources: { old: { type: caldav, url: old.example, auth: { accessToken: { env: OLD } }${life} } }
targets: { new: { type: caldav, url: new.example, auth: { accessToken: { env: NEW } }, tokenLife: 7d } }
selections: [{ name: all, kind: calendar, from: old, to: new, accounts: [{ from: a, to: b }]${more} }]
schedules: [{ name: nightly, selections: [all], ${schedule} }]
`;
    const loaded = await loadSpec('s.yaml', memory({ 's.yaml': text }));
    if ('problems' in loaded) throw new Error(loaded.problems.map(formatDiagnostic).join('\n'));
    return loaded.warnings.map(formatDiagnostic);
  };

  it('are warned of, by interval and by cron, with the life that the spec or the connector says', async () => {
    expect(await warningsOf('every: 45d')).toEqual([
      's.yaml:7:56: warning: schedule nightly starts every 45d, but the sync tokens of source old live 30d: each start lists everything again',
    ]);
    expect(await warningsOf("cron: '0 2 1 * *'")).toEqual([
      's.yaml:7:55: warning: schedule nightly starts up to 31 days apart, but the sync tokens of source old live 30d: each start lists everything again',
    ]);
    expect(await warningsOf('every: 2d', '', ', tokenLife: 36h')).toEqual([
      expect.stringContaining('every 2d, but the sync tokens of source old live 36h'),
    ]);
  });

  it('are no matter where starts come soon enough', async () => {
    expect(await warningsOf('every: 30d')).toEqual([]);
    expect(await warningsOf("cron: '*/15 * * * *'", ', mode: two-way')).toEqual([]);
    expect(await warningsOf('every: 45d', '', ', tokenLife: 90d')).toEqual([]);
  });

  it('matter for both sides when both are read', async () => {
    expect(await warningsOf('every: 8d')).toEqual([]);
    expect(await warningsOf('every: 8d', ', mode: two-way')).toEqual([
      expect.stringContaining('sync tokens of target new live 7d'),
    ]);
  });
});

describe('files that are refused as a whole', () => {
  const messageOf = async (bytes: Uint8Array): Promise<string[]> => {
    const loaded = await loadSpec('s.yaml', async () => bytes);
    return 'problems' in loaded ? loaded.problems.map(formatDiagnostic) : [];
  };

  it('larger than 1 MiB', async () => {
    expect(await messageOf(Buffer.alloc(1024 * 1024 + 1, '#'))).toEqual([
      's.yaml:1:1: the file is larger than 1 MiB; put long lists of accounts into a CSV file',
    ]);
  });

  it('not UTF-8', async () => {
    expect(await messageOf(Buffer.from('name: B\xfcro', 'latin1'))).toEqual([
      's.yaml:1:1: the file is not UTF-8; save it in this encoding',
    ]);
  });

  it.each(['[', '{a: ', '- ', '? '])('nested without end: %s', async (part) => {
    expect(await messageOf(Buffer.from(part.repeat(200_000)))).toEqual([expect.stringContaining('nested too deeply')]);
  });

  it('with very many keys, keys twice, or wrong parts: in time that grows with the text', async () => {
    const keys = Array.from({ length: 10_000 }, (_, n) => `  k${n}: 1\n`).join('');
    const parts = Array.from({ length: 10_000 }, () => '  - { accounts: 1 }\n').join('');

    const before = process.cpuUsage();
    const twice = await messageOf(Buffer.from(`version: 1\nsources:\n${keys}  k7: 1\n`));
    const unknown = await messageOf(Buffer.from(`version: 1\nname: x\nsources:\n${keys}`));
    const wrong = await messageOf(Buffer.from(`version: 1\nname: x\nselections:\n${parts}`));
    const { user } = process.cpuUsage(before);

    expect(twice).toEqual(['s.yaml:10003:3: the key "k7" stands here a second time; remove one']);
    expect(Math.min(unknown.length, wrong.length)).toBeGreaterThanOrEqual(200);
    // Each compared with each takes more than twice as long for the first two, and all memory for the third.
    expect(user / 1e6).toBeLessThan(5);
  });

  it('absent', async () => {
    expect(await loadSpec('gone.yaml', memory({}))).toEqual({
      problems: [{ file: 'gone.yaml', line: 1, column: 1, message: 'there is no such file', path: '' }],
    });
  });
});

describe('folders chosen by their role', () => {
  const load = async (filter: string, kind = 'mail') => {
    const type = kind === 'mail' ? 'imap' : 'webdav';
    const at = kind === 'mail' ? 'host: old.example' : 'url: https://old.example/';
    const text = `
version: 1
name: x
sources: { old: { type: ${type}, ${at}, auth: { username: "{account}", password: { env: OLD } } } }
targets: { new: { type: ${type}, ${at.replace('old', 'new')}, auth: { username: "{account}", password: { env: NEW } } } }
selections: [{ name: all, kind: ${kind}, from: old, to: new, accounts: [{ from: a, to: b }], ${filter} }]
`;
    const loaded = await loadSpec('s.yaml', memory({ 's.yaml': text }));
    return ('problems' in loaded ? loaded.problems : loaded.warnings).map(({ message }) => message);
  };

  it('are for mail, and of the roles that there are', async () => {
    expect(await load('exclude: { roles: [junk, trash] }, include: { roles: [inbox] }')).toEqual([]);
    expect(await load('exclude: { roles: [junk, tarsh] }')).toEqual([
      expect.stringContaining('"tarsh"; did you mean "trash"?'),
    ]);
    expect(await load('exclude: { roles: [spam] }')).toEqual([
      expect.stringMatching(/"spam".*inbox, sent, drafts, trash, junk, archive, all or flagged/),
    ]);
    expect(await load('exclude: { roles: [junk] }', 'files')).toEqual([
      'roles applies to mail only: no others have folders for junk, trash and the like; choose by folders; remove it',
    ]);
  });

  it.each(['Junk', 'Spam', 'Trash/**', 'INBOX/Trash', '[Gmail]/Spam', 'Papierkorb'])(
    'are recommended where %s is left out by its name',
    async (glob) => {
      const role = /Trash|Papier/.test(glob) ? 'trash' : 'junk';
      expect(await load(`exclude: { folders: ["${glob}", Projects/Spam, Junkyard, "Archive"] }`)).toEqual([
        `"${glob}" fits folders of this name only: in other languages and programs the folder for ${role} is called otherwise, and moves; write exclude: { roles: [${role}] }`,
      ]);
      expect(await load(`include: { folders: ["${glob}"] }`)).toEqual([]);
    },
  );
});

it('refuses a variable that an account would name, and takes a file for each account', async () => {
  const load = async (old: string) => {
    const text = valid.replace('{ env: P }', old);
    const loaded = await loadSpec('s.yaml', memory({ 's.yaml': text, 'people.csv': 'from,to\na,b\n' }));
    return ('problems' in loaded ? loaded.problems : loaded.warnings).map(({ message }) => message);
  };
  expect(await load('{ env: "PW_{account}" }')).toEqual([
    'an account cannot name an environment variable: e-mail addresses are not names of variables; keep a secret for each account in a file: { file: "/run/secrets/{account}" }',
  ]);
  expect(await load('{ file: "/run/secrets/{account}" }')).toEqual([]);
});
