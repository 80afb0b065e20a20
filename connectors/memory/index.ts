import type { Connector } from '../contract.js';
import type { Mail } from '../kinds/mail.js';
import type { MemoryOptions } from './manifest.js';
import { createMemorySource } from './source.js';
import type { MemoryKind } from './store.js';
import { memoryStore } from './store.js';
import { createMemoryTarget } from './target.js';

export { dropMemoryStore, memoryStore } from './store.js';

export const connector = {
  source: ({ name, ...habits }, { account, kind }) =>
    createMemorySource(memoryStore(name), account, kind as MemoryKind, habits),
  target: ({ name }, { account, kind, lanes }) =>
    createMemoryTarget(memoryStore(name), account, kind as MemoryKind, lanes),
} satisfies Connector<Mail, MemoryOptions>;
