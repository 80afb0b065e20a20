/** The names in Temporal's storage: those that the code declares, and the fields that recorded runs were seen to send. */
import type proto from '@temporalio/proto';
import { createActivities } from '../../activities/create-activities.js';
import * as workflows from '../../workflows/index.js';
import * as messages from '../../workflows/messages.js';
import type { Recorded } from './record.js';

type Event = proto.temporal.api.history.v1.IHistoryEvent;
type Payloads = proto.temporal.api.common.v1.IPayloads | null | undefined;

/** Their fields are the spec's own, or sums of the same counters everywhere: named once. */
const OPAQUE: ReadonlySet<string> = new Set(['spec', 'counters', 'totals']);

export function wireNames(recorded: readonly Recorded[]): string {
  const fields = new Map<string, Set<string>>();
  for (const { history } of recorded)
    for (const event of history.events ?? [])
      for (const [what, values] of sentBy(event)) {
        const seen = fields.get(what) ?? new Set();
        fields.set(what, seen);
        for (const value of values) for (const path of pathsOf(value)) seen.add(path);
      }
  const with_ = (what: string): string =>
    [what, ...[...(fields.get(what) ?? [])].sort().map((f) => `  ${f}`)].join('\n');
  const declared = (Object.values(messages) as readonly unknown[]).filter(isDefinition);
  const named = (type: string): string[] => declared.flatMap((one) => (one.type === type ? [one.name] : []));
  const { makeMigrationId, makeUnitId, makePlanId, makeDoctorId, makePartId, makeScheduleId, makeTickId } = messages;
  const sections: Record<string, readonly string[]> = {
    'workflow types, and what they are started with': Object.keys(workflows).map((name) => with_(`workflow ${name}`)),
    'activity types, and what they are given': activityTypes().map((name) => with_(`activity ${name}`)),
    signals: named('signal').map((name) => with_(`signal ${name}`)),
    updates: named('update').map((name) => with_(`update ${name}`)),
    queries: named('query').map((name) => `query ${name}`),
    'workflow ids': [
      ...[makeMigrationId('NAME'), makeUnitId('NAME', 3), makePlanId('NAME', 'REQUEST'), makeDoctorId('REQUEST')],
      ...[makePartId('HASH', 3), makeScheduleId('NAME', 'SCHEDULE'), makeTickId('NAME', 'SCHEDULE')],
    ],
    'task queue': [messages.TASK_QUEUE],
    'search attributes': [...messages.SEARCH_ATTRIBUTES],
    'memo of a migration': [...(fields.get('memo') ?? [])],
    'failures of workflows': [...(fields.get('failure') ?? [])],
  };
  return Object.entries(sections)
    .map(([title, lines]) => `# ${title}\n${[...lines].sort().join('\n')}\n`)
    .join('\n');
}

/** Only names are asked of them; none is called. */
const activityTypes = (): string[] => Object.keys(createActivities({} as never, {} as never));

function isDefinition(value: unknown): value is { readonly type: string; readonly name: string } {
  return typeof value === 'object' && value !== null && 'type' in value && 'name' in value;
}

/** What an event holds that somebody sent, under the name of what it was sent to. */
function sentBy(event: Event): [what: string, values: unknown[]][] {
  const started = event.workflowExecutionStartedEventAttributes;
  if (started)
    return [
      [`workflow ${started.workflowType?.name}`, valuesOf(started.input)],
      ['memo', [Object.fromEntries(Object.keys(started.memo?.fields ?? {}).map((name) => [name, 1]))]],
    ];
  const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (child) return [[`workflow ${child.workflowType?.name}`, valuesOf(child.input)]];
  const activity = event.activityTaskScheduledEventAttributes;
  if (activity) return [[`activity ${activity.activityType?.name}`, valuesOf(activity.input)]];
  const signal = event.workflowExecutionSignaledEventAttributes;
  if (signal) return [[`signal ${signal.signalName}`, valuesOf(signal.input)]];
  const { input } = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest ?? {};
  if (input) return [[`update ${input.name}`, valuesOf(input.args)]];
  const memo = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields;
  if (memo) return [['memo', [Object.fromEntries(Object.keys(memo).map((name) => [name, 1]))]]];
  const { failure } = event.workflowExecutionFailedEventAttributes ?? {};
  const type = failure?.applicationFailureInfo?.type;
  return type ? [['failure', [{ [type]: 1 }]]] : [];
}

function valuesOf(payloads: Payloads): unknown[] {
  return (payloads?.payloads ?? []).flatMap(({ data }) =>
    data && data.length > 0 ? [JSON.parse(Buffer.from(data).toString('utf8'))] : [],
  );
}

/** `queue[].id` and the like; a list of numbers is one field. */
function pathsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) {
    const inner = value.filter((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
    return [...(at === '' ? [] : [at]), ...inner.flatMap((one) => pathsOf(one, `${at}[]`))];
  }
  if (typeof value !== 'object' || value === null || OPAQUE.has(at.split('.').at(-1) ?? ''))
    return at === '' ? [] : [at];
  return Object.entries(value).flatMap(([name, one]) => pathsOf(one, at === '' ? name : `${at}.${name}`));
}
