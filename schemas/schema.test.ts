import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { loadSpec, offered, specSchema } from './load.js';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('the schema', () => {
  it('is a draft-07 schema', () => {
    const ajv = new Ajv({ strict: false });
    expect(ajv.validateSchema(specSchema()), JSON.stringify(ajv.errors)).toBe(true);
    expect(specSchema().$schema).toBe('http://json-schema.org/draft-07/schema#');
  });

  it('describes every property, so that editors can', () => {
    expect(undescribed(specSchema(), '')).toEqual([]);
  });

  it('knows every connector', () => {
    expect(Object.keys(specSchema().definitions as object)).toEqual(Object.keys(offered).sort());
  });
});

describe('specs/', () => {
  const files = readdirSync(`${root}/specs`).filter((file) => file.endsWith('.yaml'));
  it.each(files)('%s is valid and names its schema', async (file) => {
    const path = `${root}/specs/${file}`;
    const [first = '', ...lines] = (await readFile(path, 'utf8')).split('\n');
    const comment = lines.slice(
      0,
      lines.findIndex((line) => !line.startsWith('#')),
    );

    const loaded = await loadSpec(path, (each) => readFile(each));

    expect(loaded).toHaveProperty('spec');
    expect(first).toBe(
      `# yaml-language-server: $schema=${relative(dirname(path), `${root}/schemas/generated/spec.schema.json`)}`,
    );
    expect(comment.join(' ')).toMatch(/^# .+\.$/);
  });
});

/** Pointers of properties without a description. */
function undescribed(schema: unknown, pointer: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    const here = `${pointer}/${key}`;
    // Conditions and consequences repeat properties that are described elsewhere.
    if (key === 'if' || key === 'then') return [];
    const own =
      key === 'properties' && !pointer.endsWith('/properties')
        ? Object.entries(value as object)
            .filter(([, property]) => typeof (property as { description?: unknown }).description !== 'string')
            .map(([name]) => `${here}/${name}`)
        : [];
    return [...own, ...undescribed(value, here)];
  });
}
