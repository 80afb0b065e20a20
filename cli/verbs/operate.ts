import { Argument, Option } from 'commander';
import { olderThan, positive } from './options.js';
import type { AddVerb } from './verb.js';

/** What keeps Drover itself going. */
export function addOperatingVerbs(verb: AddVerb): void {
  verb('dev', 'run Temporal, the ledger and a worker here, with nothing installed', {
    files: ['reads and writes .drover/ (or --dir): all state; delete it to begin anew'],
    examples: [
      ['in a terminal of its own; Ctrl-C ends it, and nothing is lost', 'migrate dev'],
      ['with a secret that a spec names as { env: OLD_PASSWORD }', 'OLD_PASSWORD=… migrate dev'],
    ],
  }).addOption(new Option('--dir <folder>', 'where all state is kept').default('.drover'));
  verb('worker', 'run a worker', {
    files: ['reads the secrets that specs name as { file: … }, and DROVER_… variables (docs/settings.md)'],
    examples: [['for a team', 'DROVER_LEDGER_URL=postgres://… TEMPORAL_ADDRESS=temporal:7233 migrate worker']],
  });
  verb('prune [name]', 'remove what runs left and what is old: events, outcomes, runs, reports', {
    examples: [
      ['how much that is', 'migrate prune --dry-run'],
      ['of one migration, older than a month', 'migrate prune acme-mail --older-than 30d'],
    ],
  })
    .addOption(olderThan())
    .option('--dry-run', 'only say how much that is');
  verb('forget <name>', 'remove all that is known of a migration, or of one person in it', {
    examples: [
      ['what would go', 'migrate forget acme-mail --account anna@old.example --dry-run'],
      ['one person', 'migrate forget acme-mail --account anna@old.example'],
    ],
  })
    .option('--account <account>', 'only of this account, by its name on either side')
    .option('--dry-run', 'only say what that is')
    .option('--yes', 'do not ask');
  verb('codec-server', "decrypt payloads for Temporal's Web UI", {
    files: ['reads the keys file that DROVER_ENCRYPTION_KEYS_FILE names'],
    examples: [['for the Web UI of this machine', 'DROVER_ENCRYPTION_KEYS_FILE=keys migrate codec-server']],
  }).addOption(positive('--port <n>', 'TCP port'));
  verb('completion', 'print completions for a shell', {
    examples: [
      ['bash', 'migrate completion bash > /etc/bash_completion.d/migrate'],
      ['zsh', 'migrate completion zsh > "$' + '{fpath[1]}/_migrate"'],
      ['fish', 'migrate completion fish > ~/.config/fish/completions/migrate.fish'],
    ],
  }).addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']));
}
