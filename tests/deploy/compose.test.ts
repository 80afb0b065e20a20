/** docker-compose.yml, Dockerfile and their secrets, read as text: no engine is needed to see what cannot work. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseKeys } from '../../worker/codec/keys.js';
import { readLedgerUrl } from '../../worker/settings.js';
import { settings } from '../../worker/settings-table.js';
import { packageRoot } from '../../worker/stack/compiled.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const root = packageRoot();
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose;
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const services = Object.entries(compose.services);

describe.each(services)('service %s', (_name, service) => {
  it('has a health check', () => {
    expect(service.healthcheck?.test.length).toBeGreaterThan(1);
  });

  it('has an image of one version', () => {
    expect(service.image).toMatch(/:\d+\.\d+[\w.-]*$/);
  });

  it('listens on loopback only', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('waits for what it needs to be healthy', () => {
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(compose.services[needed]?.healthcheck).toBeDefined();
      expect(condition).toBe('service_healthy');
    }
  });

  it('has its secrets as files, and each path in its environment is one of them', () => {
    for (const secret of service.secrets ?? []) expect(compose.secrets[secret]).toBeDefined();
    for (const [name, value] of Object.entries(service.environment ?? {})) {
      expect(name).not.toMatch(/(PASSWORD|PWD|KEY|TOKEN|SECRET)$/);
      if (name.endsWith('_FILE')) expect(service.secrets?.map((secret) => `/run/secrets/${secret}`)).toContain(value);
      if (name.startsWith('DROVER_')) expect(Object.keys(settings)).toContain(name);
    }
  });

  it('uses volumes that are declared', () => {
    for (const volume of service.volumes ?? []) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
  });
});

it('runs our image as somebody who is not root, from pinned bases', () => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);

  expect(new Set(bases)).toEqual(new Set([expect.stringMatching(/^node:20\.\d+\.\d+-/)]));
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK /m);
});

describe('make-secrets', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drover-deploy-'));
    cpSync(join(root, 'deploy/make-secrets'), join(folder, 'make-secrets'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes every secret the compose file names, in the form its reader wants, and replaces none', () => {
    const secrets = join(folder, 'secrets');
    const read = (name: string) => readFileSync(join(secrets, name), 'utf8');

    execFileSync(join(folder, 'make-secrets'));
    const first = Object.fromEntries(readdirSync(secrets).map((name) => [name, read(name)]));
    writeFileSync(join(folder, 'again'), execFileSync(join(folder, 'make-secrets')));

    const named = Object.values(compose.secrets).map(({ file }) => basename(file));
    expect(Object.keys(first).sort()).toEqual(named.sort());
    expect(Object.fromEntries(readdirSync(secrets).map((name) => [name, read(name)]))).toEqual(first);
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    expect(parseKeys(read('encryption_keys'), 'encryption_keys')).toHaveLength(1);
    const url = readLedgerUrl({ DROVER_LEDGER_URL_FILE: join(secrets, 'ledger_url') }) ?? '';
    expect(new URL(url).password).toBe(read('ledger_password').trim());
    expect(new URL(url).hostname in compose.services).toBe(true);
  });
});
