import type { ConnectorManifest } from '../connectors/manifest.js';
import type { Schema } from './core.js';
import { coreSchema, limits } from './core.js';

export type Manifests = Readonly<Record<string, ConnectorManifest>>;

/**
 * One draft-07 schema of a whole spec. Each system is told apart by its `type` with if/then, so that editors
 * and messages speak of one connector's options only.
 */
export function assembleSchema(manifests: Manifests): Schema {
  const names = Object.keys(manifests).sort();
  const isOffered = (name: string): boolean => !manifests[name]?.isForTests;
  const withRole = (role: 'source' | 'target'): string[] =>
    names.filter((name) => manifests[name]?.roles.includes(role));
  const definitions: Record<string, Schema> = {};
  for (const name of names) definitions[name] = systemSchema(manifests[name] as ConnectorManifest);
  return coreSchema(
    chooseSystem('source', withRole('source'), isOffered),
    chooseSystem('target', withRole('target'), isOffered),
    definitions,
  );
}

/** The manifest of a type; undefined for a type that nobody knows. */
export function manifestOf(manifests: Manifests, type: string | undefined): ConnectorManifest | undefined {
  return type !== undefined && Object.hasOwn(manifests, type) ? manifests[type] : undefined;
}

function chooseSystem(
  role: 'source' | 'target',
  names: readonly string[],
  isOffered: (name: string) => boolean,
): Schema {
  const offered = names.filter(isOffered);
  return {
    type: 'object',
    required: ['type'],
    properties: {
      type: {
        enum: names,
        ...(offered.length < names.length && { offered }),
        description: `The connector of this ${role}.`,
      },
    },
    allOf: names.map((name) => ({
      if: { type: 'object', required: ['type'], properties: { type: { const: name } } },
      // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema here.
      then: { $ref: `#/definitions/${name}` },
    })),
  };
}

function systemSchema(manifest: ConnectorManifest): Schema {
  return {
    title: manifest.name,
    description: manifest.summary,
    type: 'object',
    additionalProperties: false,
    required: ['type', ...(manifest.options.required ?? [])],
    properties: {
      type: { const: manifest.name, description: manifest.summary },
      limits,
      ...manifest.options.properties,
    },
  };
}
