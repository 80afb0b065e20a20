/** Every verb with its module, loaded when it runs: `--help` must not wait for Temporal's client. */
import type { ArgsOf, Verb } from './arguments.js';
import type { Shell } from './shell.js';

/** What a module in commands/ exports. */
export interface CommandModule<Args> {
  readonly run: (shell: Shell, args: Args) => Promise<number>;
}

export const commands: { readonly [V in Verb]: () => Promise<CommandModule<ArgsOf[V]>> } = {
  apply: () => import('./commands/apply.js'),
  approve: () => import('./commands/approve.js'),
  cancel: () => import('./commands/cancel.js'),
  'codec-server': () => import('./commands/codec-server.js'),
  completion: () => import('./commands/completion.js'),
  connectors: () => import('./commands/connectors.js'),
  credentials: () => import('./commands/credentials.js'),
  dev: () => import('./commands/dev.js'),
  doctor: () => import('./commands/doctor.js'),
  forget: () => import('./commands/forget.js'),
  init: () => import('./commands/init.js'),
  list: () => import('./commands/list.js'),
  logs: () => import('./commands/logs.js'),
  pause: () => import('./commands/pause.js'),
  plan: () => import('./commands/plan.js'),
  prune: () => import('./commands/prune.js'),
  report: () => import('./commands/report.js'),
  resume: () => import('./commands/resume.js'),
  retry: () => import('./commands/retry.js'),
  retune: () => import('./commands/retune.js'),
  schedule: () => import('./commands/schedule.js'),
  schema: () => import('./commands/schema.js'),
  status: () => import('./commands/status.js'),
  validate: () => import('./commands/validate.js'),
  verify: () => import('./commands/verify.js'),
  watch: () => import('./commands/watch.js'),
  worker: () => import('./commands/worker.js'),
};
