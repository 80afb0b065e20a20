import type { Command } from 'commander';

/** One level of the command line: what may follow `path`. */
interface Level {
  /** `migrate`'s own words so far, e.g. `schedule pause`; empty for the program. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
  readonly commands: readonly string[];
  /** Its first argument is the file of a spec. */
  readonly ofSpec: boolean;
}

/** A completion script for the program: verbs, specs and long options; else file names. */
export function completionScript(program: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const levels = collect(program, '', []);
  switch (shell) {
    case 'bash':
      return bash(levels);
    case 'zsh':
      return `#compdef migrate\nautoload -U +X bashcompinit && bashcompinit\n${bash(levels)}`;
    case 'fish':
      return fish(levels);
  }
}

function collect(command: Command, path: string, inherited: Level['words']): Level[] {
  const options = command.options
    .filter((option) => option.long !== undefined && !option.hidden)
    .map((option) => ({ word: option.long as string, about: option.description }));
  const global = [...inherited, ...options];
  const commands = command.commands.filter((child) => child.name() !== 'help');
  const help = { word: '--help', about: 'print help' };
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const words = [
    ...commands.map((child) => ({ word: child.name(), about: child.summary() })),
    ...choices.map((word) => ({ word, about: '' })),
    ...global,
    help,
  ];
  return [
    {
      path,
      words,
      commands: commands.map((child) => child.name()),
      ofSpec: command.registeredArguments[0]?.name() === 'spec',
    },
    ...commands.flatMap((child) => collect(child, `${path} ${child.name()}`.trim(), global)),
  ];
}

function bash(levels: readonly Level[]): string {
  const known = levels.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return [
    '# migrate completion bash > /etc/bash_completion.d/migrate',
    '_migrate() {',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's own braces.
    '  local current="${COMP_WORDS[COMP_CWORD]}" path="" word words specs=""',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's own braces.
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "\${path:+$path }$word" in ${known.join('|')}) path="\${path:+$path }$word" ;; esac`,
    '  done',
    '  case "$path" in',
    ...levels.map(
      ({ path, words, ofSpec }) =>
        `    '${path}') words='${words.map(({ word }) => word).join(' ')}'${ofSpec ? ' specs=yes' : ''} ;;`,
    ),
    '  esac',
    '  if [[ -n "$specs" && "$current" != -* ]]; then',
    '    COMPREPLY=($(compgen -d -- "$current"; for word in yaml yml json; do compgen -f -X "!*.$word" -- "$current"; done))',
    '    return',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's own braces.
    '  if [ "${#COMPREPLY[@]}" -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi',
    '}',
    'complete -o filenames -F _migrate migrate',
    '',
  ].join('\n');
}

function fish(levels: readonly Level[]): string {
  const lines = ['# migrate completion fish > ~/.config/fish/completions/migrate.fish'];
  const root = levels[0]?.commands ?? [];
  for (const { path, words, commands } of levels) {
    const names = path.split(' ').filter((name) => name !== '');
    const conditions = [
      ...(names.length === 0
        ? [`not __fish_seen_subcommand_from ${root.join(' ')}`]
        : names.map((name) => `__fish_seen_subcommand_from ${name}`)),
      ...(names.length > 0 && commands.length > 0 ? [`not __fish_seen_subcommand_from ${commands.join(' ')}`] : []),
    ];
    for (const { word, about } of words) {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      lines.push(
        `complete -c migrate -n '${conditions.join('; and ')}' ${what} -d '${about.replace(/[\\']/g, '\\$&')}'`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
