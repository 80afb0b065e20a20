import type { Connector } from '../contract.js';
import type { Mail } from '../mail.js';
import { createMemorySource } from './source.js';
import type { MemoryKind } from './store.js';
import { memoryStore } from './store.js';
import { createMemoryTarget } from './target.js';

export { dropMemoryStore, memoryStore } from './store.js';

export const connector: Connector<Mail> = {
  source: (options, { account, kind }) =>
    createMemorySource(memoryStore(String(options.name)), account, kind as MemoryKind),
  target: (options, { account, kind, lanes }) =>
    createMemoryTarget(memoryStore(String(options.name)), account, kind as MemoryKind, lanes),
};
