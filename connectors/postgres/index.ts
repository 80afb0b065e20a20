import type { Connector } from '../contract.js';
import { Database } from './database.js';
import type { PostgresOptions } from './manifest.js';
import { createPostgresSource } from './source.js';
import { createPostgresTarget } from './target.js';

export const connector = {
  source: (options, access) => createPostgresSource(new Database(options, access)),
  target: (options, access) => createPostgresTarget(new Database(options, access)),
} satisfies Connector<Buffer, PostgresOptions>;
