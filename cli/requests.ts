/** How a command asks Temporal: each request ends by itself, and is said to be waited for when it takes long. */
import type { ConnectionOptions } from '@temporalio/client';
import type { Waiting } from './waiting.js';

type Interceptors = NonNullable<ConnectionOptions['interceptors']>;
type Interceptor = Interceptors[number];
/** What `next` returns; Temporal's types ask for gRPC's class where its interface is enough. */
type Call = ReturnType<Parameters<Interceptor>[1]>;
type Listener = NonNullable<Parameters<Call['start']>[1]>;

/** A request that no other deadline holds for. Temporal's own for its store is shorter. */
const REQUEST_MS = 10_000;
/** The server holds these back until something happens, for a minute at most. */
const HELD = { ms: 75_000, methods: ['GetWorkflowExecutionHistory', 'PollWorkflowExecutionUpdate'] } as const;
/** Answered by a worker: Temporal only hands them on. */
const BY_WORKERS = ['QueryWorkflow', 'UpdateWorkflowExecution'];

/** `retry` is Temporal's own, which makes each attempt within the same deadline. */
export function requestRules(address: string, waiting: Waiting | undefined, retry: Interceptor): Interceptors {
  const limited = (...[options, next]: Parameters<Interceptor>): Call => {
    const method = options.method_definition.path.split('/').at(-1) ?? '';
    const isHeld = (HELD.methods as readonly string[]).includes(method);
    const deadline = options.deadline ?? Date.now() + (isHeld ? HELD.ms : REQUEST_MS);
    const call = next({ ...options, deadline });
    // Whoever waits for what is held back says so in other words.
    if (!waiting || isHeld) return call;
    return watched(call, waiting, BY_WORKERS.includes(method) ? 'a worker to answer' : `Temporal at ${address}`);
  };
  return [limited as Interceptor, retry];
}

function watched(call: Call, waiting: Waiting, words: string): Call {
  const start = call.start.bind(call);
  call.start = (metadata, listener) => {
    const end = waiting.begin(words);
    const heard: Listener = {
      onReceiveMetadata: (received) => listener?.onReceiveMetadata?.(received),
      onReceiveMessage: (message) => listener?.onReceiveMessage?.(message),
      onReceiveStatus(status) {
        end();
        listener?.onReceiveStatus?.(status);
      },
    };
    start(metadata, heard);
  };
  return call;
}
