import type { Connector } from '../contract.js';
import { Database } from './database.js';
import type { PostgresOptions } from './manifest.js';
import { createPostgresSource } from './source.js';
import { createPostgresTarget } from './target.js';

export const connector: Connector<Buffer> = {
  source: (options, access) => createPostgresSource(new Database(options as unknown as PostgresOptions, access)),
  target: (options, access) => createPostgresTarget(new Database(options as unknown as PostgresOptions, access)),
};
