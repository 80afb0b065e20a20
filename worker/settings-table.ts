/** Every setting with its meaning: what the worker checks and what docs/settings.md is made of. */
import { LOG_LEVELS } from './observe/log-levels.js';

interface Setting {
  readonly form: 'text' | 'url' | 'file' | 'address' | 'whole number' | 'days' | readonly string[];
  readonly default?: string;
  readonly min?: number;
  readonly description: string;
}

export const settings = {
  DROVER_LEDGER_URL: {
    form: 'url',
    description: 'PostgreSQL of the ledger: `postgresql://user:password@host:5432/database`. Required, or the next.',
  },
  DROVER_LEDGER_URL_FILE: { form: 'file', description: 'A file that holds the URL, e.g. a mounted secret.' },
  DROVER_TASK_QUEUE: {
    form: 'text',
    default: 'drover',
    description: "Temporal's task queue. Workers and commands that belong together say the same.",
  },
  DROVER_ENCRYPTION_KEYS_FILE: {
    form: 'file',
    description: 'Keys that encrypt what Temporal stores, `id:base64` a line; the first encrypts, all decrypt.',
  },
  DROVER_METRICS_ADDRESS: {
    form: 'address',
    description: 'Where Prometheus finds `/metrics`, e.g. `0.0.0.0:9464`. None when not set.',
  },
  DROVER_LOG_LEVEL: { form: LOG_LEVELS, default: 'info', description: 'Least level of the lines on stderr.' },
  DROVER_MAX_BYTES_IN_FLIGHT: {
    form: 'whole number',
    default: String(96 * 1024 * 1024),
    min: 1024 * 1024,
    description: 'Content read and not yet written, in bytes, over the whole process. It bounds memory.',
  },
  DROVER_MAX_SLICES: {
    form: 'whole number',
    default: '16',
    min: 1,
    description: 'Slices of work at the same time in one process.',
  },
  DROVER_SLICE_SECONDS: {
    form: 'whole number',
    default: '30',
    min: 1,
    description: 'How long one slice works before it reports to Temporal. Longer means smaller histories.',
  },
  DROVER_SHUTDOWN_GRACE_SECONDS: {
    form: 'whole number',
    default: '20',
    min: 0,
    description:
      'How long running slices may take to finish after SIGTERM. What does not finish is continued elsewhere.',
  },
  DROVER_REPORT_FOLDER: {
    form: 'text',
    description: 'Where the worker leaves the report of each finished run. Nowhere when not set.',
  },
  DROVER_KEEP_EVENTS_DAYS: {
    form: 'days',
    default: '90',
    description: 'How long the event log is kept (`migrate logs`): days, or `forever`.',
  },
  DROVER_KEEP_OUTCOMES_DAYS: {
    form: 'days',
    default: '365',
    description: 'How long it is kept what each run changed, and what it met: days, or `forever`.',
  },
  DROVER_KEEP_RUNS_DAYS: {
    form: 'days',
    default: '365',
    description: 'How long runs that no item stands by any more are kept: days, or `forever`.',
  },
  DROVER_KEEP_REPORTS_DAYS: {
    form: 'days',
    default: '90',
    description: 'How long reports stay in `DROVER_REPORT_FOLDER`: days, or `forever`. The last one stays.',
  },
  DROVER_CODEC_TOKEN_FILE: {
    form: 'file',
    description: '`migrate codec-server`: a file with the token that requests must carry. Required beyond loopback.',
  },
  DROVER_CODEC_ORIGINS: {
    form: 'text',
    description:
      "`migrate codec-server`: origins of Web UIs that may ask, with commas between. Default: `migrate dev`'s.",
  },
  DROVER_CODEC_HOST: {
    form: 'text',
    default: '127.0.0.1',
    description: '`migrate codec-server`: the address it listens on.',
  },
} as const satisfies Readonly<Record<string, Setting>>;
export type SettingName = keyof typeof settings;

/** What nothing is removed under. */
export const FOREVER = 'forever';
/** A hundred years. */
const MAX_DAYS = 36_500;

/** The value of a setting, checked, or its default; empty when there is none. Throws with variable and way out. */
export function parseSetting(name: SettingName, env: Readonly<Record<string, string | undefined>>): string {
  const setting: Setting = settings[name];
  const value = (env[name] ?? '').trim() || setting.default || '';
  if (value === '') return value;
  const { form } = setting;
  if (typeof form !== 'string') {
    if (form.includes(value)) return value;
    throw new Error(`${name} is "${value}": say one of ${form.join(', ')}`);
  }
  if (form === 'whole number') {
    const number = Number(value);
    const min = setting.min ?? 0;
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= min) return value;
    throw new Error(`${name} is "${value}": say a whole number of at least ${min}`);
  }
  if (form === 'days' && value !== FOREVER && !(/^[1-9]\d*$/.test(value) && Number(value) <= MAX_DAYS)) {
    throw new Error(`${name} is "${value}": say days as a whole number from 1 to ${MAX_DAYS}, or ${FOREVER}`);
  }
  if (form === 'address' && !/^(\[[\da-fA-F:]+\]|[\w.-]+):\d{1,5}$/.test(value)) {
    throw new Error(`${name} is "${value}": say host:port, e.g. 127.0.0.1:9464`);
  }
  return value;
}

/** docs/settings.md. */
export function settingsPage(): string {
  const rows = Object.entries(settings as Readonly<Record<string, Setting>>).map(([name, setting]) => {
    const form =
      typeof setting.form === 'string' ? setting.form : setting.form.map((value) => `\`${value}\``).join(', ');
    return `| \`${name}\` | ${form} | ${setting.default === undefined ? '' : `\`${setting.default}\``} | ${setting.description} |`;
  });
  return `# Settings

A worker takes all its settings from the environment. It checks them at the start and names every problem at once.

| variable | form | default | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

The connection to Temporal is read as Temporal's own command line reads it:

| variable | meaning |
| --- | --- |
| \`TEMPORAL_ADDRESS\` | host and port; \`localhost:7233\` when nothing says otherwise |
| \`TEMPORAL_NAMESPACE\` | the namespace; \`default\` when nothing says otherwise |
| \`TEMPORAL_API_KEY\` | an API key, e.g. of Temporal Cloud; switches TLS on |
| \`TEMPORAL_TLS\` | \`true\` or \`false\` |
| \`TEMPORAL_TLS_CLIENT_CERT_PATH\`, \`TEMPORAL_TLS_CLIENT_KEY_PATH\` | a client certificate (mTLS); \`…_DATA\` holds it directly |
| \`TEMPORAL_TLS_SERVER_CA_CERT_PATH\` | the server's certificate authority |
| \`TEMPORAL_TLS_SERVER_NAME\` | the name in the server's certificate |
| \`TEMPORAL_CONFIG_FILE\`, \`TEMPORAL_PROFILE\` | Temporal's configuration file, and the profile in it |

Commands take the same variables, besides \`--address\`, \`--namespace\` and \`--profile\`. Without any of them they use the
stack that \`migrate dev\` runs in the same folder or one above it.

Which Temporal program \`migrate dev\` starts is chosen by \`TEMPORAL_CLI_PATH\`, the PATH, the cache folder
(\`XDG_CACHE_HOME\`), a download by Temporal's SDK, and a build with Go, in this order.
`;
}
