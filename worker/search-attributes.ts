/** Registers the search attributes, and checks that they have the type we need. */
import type { ConnectionLike } from '@temporalio/client';
import { Fault } from '../connectors/errors.js';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.js';

/** `temporal.api.enums.v1.IndexedValueType` */
const KEYWORD = 2;

/**
 * Idempotent. Temporal silently ignores an attribute that exists with another type, so what is there is read back;
 * then `Fault('spec')` says which one stands in the way.
 */
export async function registerSearchAttributes(connection: ConnectionLike, namespace: string): Promise<void> {
  const operator = (connection as unknown as { operatorService: OperatorService }).operatorService;
  const before = await operator.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter((name) => before.customAttributes[name] === undefined);
  if (missing.length > 0) {
    await operator.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  }
  const { customAttributes } = missing.length > 0 ? await operator.listSearchAttributes({ namespace }) : before;
  for (const name of SEARCH_ATTRIBUTES) {
    const type = customAttributes[name];
    if (type === undefined || type === KEYWORD) continue;
    throw new Fault(
      'spec',
      `the search attribute ${name} exists in namespace ${namespace} with another type than Keyword`,
      {
        next: `remove it with \`temporal operator search-attribute remove --name ${name}\`, then start the worker again`,
      },
    );
  }
}

interface OperatorService {
  listSearchAttributes(request: { namespace: string }): Promise<{ customAttributes: Record<string, number> }>;
  addSearchAttributes(request: { namespace: string; searchAttributes: Record<string, number> }): Promise<unknown>;
}
