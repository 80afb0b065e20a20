/** Structured logs: one JSON object a line on stderr, Temporal's own among them, scrubbed of secrets. */
import type { Logger as TemporalLogger } from '@temporalio/common';
import type { DestinationStream, Logger } from 'pino';
import { pino } from 'pino';
import type { LogLevel } from './log-levels.js';

export type Log = Logger;

export interface LogOptions {
  readonly level: LogLevel;
  /** Takes secrets out of a text; applied to every string of a line, keys excepted. */
  readonly redact: (text: string) => string;
  /** Default: stderr, written at once, so that the last words before a crash are there. */
  readonly destination?: DestinationStream;
}

export function createLog({ level, redact, destination }: LogOptions): Log {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      hooks: {
        // The finished line: nothing can come past, whichever argument a secret was in.
        streamWrite: (line) => `${JSON.stringify(redactStrings(JSON.parse(line), redact))}\n`,
      },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** The same log in the form Temporal's SDK asks for. */
export function temporalLogger(log: Log): TemporalLogger {
  const at =
    (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, meta?: Record<string, unknown>): void =>
      log[level]({ ...meta }, message);
  const levels = { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return {
    ...levels,
    log: (level, message, meta) => levels[level.toLowerCase() as keyof typeof levels](message, meta),
  };
}

function redactStrings(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactStrings(item, redact));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redactStrings(item, redact)]));
}

/** Kind, message, stack and causes of an error; of anything else, its text. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message,
    stack,
    ...(code !== undefined && { code }),
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}
