/** What a connector declares about itself: pure data, loaded by `validate` without any connector's code. */
import type { Kind } from './contract.js';

export interface ConnectorManifest {
  readonly name: string;
  /** One sentence, as shown by `migrate connectors`. */
  readonly summary: string;
  readonly kinds: readonly Kind[];
  readonly roles: readonly ('source' | 'target')[];
  /**
   * Draft-07 JSON Schema of the options beside `type` and `limits`; every property has a description. An option
   * `tokenLife`, a duration with a default, says how long the system remembers its sync tokens: `validate` warns of
   * schedules that start less often.
   */
  readonly options: OptionsSchema;
  /** Whether a source can list its accounts, so that a spec may say `accounts: all`. */
  readonly listsAccounts: boolean;
  /** For the project's own tests: no command offers it. */
  readonly isForTests?: true;
  /** Set where accounts are told apart also when no option says `{account}`. */
  readonly tellsAccountsApart?: true;
}

export interface OptionsSchema {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly required?: readonly string[];
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The schema of a secret reference: `{ env }`, `{ file }` or `{ connection }`; a literal is refused. */
export const secretSchema = {
  title: 'secret reference',
  description:
    'Where the secret is kept, resolved inside the worker at the moment of use: { env: NAME } or { file: /path }.',
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['env'],
      properties: {
        env: { type: 'string', minLength: 1, description: 'Name of an environment variable of the worker.' },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['file'],
      properties: {
        file: {
          type: 'string',
          minLength: 1,
          description: 'Path of a file on the worker; one trailing line end is dropped.',
        },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['connection'],
      properties: { connection: { type: 'string', minLength: 1, description: 'Name of a stored connection.' } },
    },
  ],
} as const;
