/** What `doctor` can tell from here, without a worker: Temporal, its namespace, its search attributes, its pollers. */
import type { Check } from '../words/check.js';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.js';
import { hasWorker } from './migration.js';
import type { TemporalAccess } from './temporal.js';
import { wordsOf } from './with-temporal.js';

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
const TYPE_NAMES = ['unspecified', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'] as const;

/** Connecting has proven that Temporal and the namespace are there. */
export async function clientChecks(temporal: TemporalAccess): Promise<{ checks: Check[]; worker: boolean }> {
  const worker = await hasWorker(temporal);
  return {
    worker,
    checks: [
      { subject: 'temporal', check: 'reachable', ok: true, value: temporal.address },
      { subject: 'temporal', check: 'namespace', ok: true, value: temporal.namespace },
      await attributeCheck(temporal),
      {
        subject: 'worker',
        check: 'asks for work',
        ok: worker,
        value: `task queue ${temporal.taskQueue}`,
        ...(!worker && {
          fix: 'start one with `migrate worker`, or `migrate dev` for everything; then run doctor again',
        }),
      },
    ],
  };
}

async function attributeCheck(temporal: TemporalAccess): Promise<Check> {
  const base = { subject: 'temporal', check: 'search attributes' };
  let found: Readonly<Record<string, unknown>>;
  try {
    found = await readAttributes(temporal);
  } catch (error) {
    return {
      ...base,
      ok: false,
      value: `cannot be read: ${wordsOf(error)}`,
      fix: `see in Temporal's UI that ${SEARCH_ATTRIBUTES.join(', ')} are there as Keyword`,
    };
  }
  return { ...base, ...judgeAttributes(found) };
}

/** Missing ones, and those of another type: Temporal silently ignores a registration that names another type. */
export function judgeAttributes(found: Readonly<Record<string, unknown>>): Pick<Check, 'ok' | 'value' | 'fix'> {
  const wrong = SEARCH_ATTRIBUTES.filter((name) => found[name] !== undefined && found[name] !== KEYWORD);
  if (wrong.length > 0) {
    const types = wrong.map((name) => `${name} is ${TYPE_NAMES[found[name] as number] ?? String(found[name])}`);
    return {
      ok: false,
      value: types.join(', '),
      fix: `they must be Keyword: use another namespace, or remove them with \`temporal operator search-attribute remove\``,
    };
  }
  const missing = SEARCH_ATTRIBUTES.filter((name) => found[name] === undefined);
  if (missing.length > 0) {
    return {
      ok: false,
      value: `missing: ${missing.join(', ')}`,
      fix: 'start a worker, which registers them; in Temporal Cloud add them as Keyword',
    };
  }
  return { ok: true, value: SEARCH_ATTRIBUTES.join(', ') };
}

async function readAttributes({ client, namespace }: TemporalAccess): Promise<Readonly<Record<string, unknown>>> {
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
  return customAttributes ?? {};
}
