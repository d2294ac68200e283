interface CompletedCommand {
  words: readonly string[];
  summary: string;
  flags: readonly string[];
}

/** A static completion script: command words by position, then the command's flags. */
export function completionScript(shell: string, commands: readonly CompletedCommand[]): string {
  if (shell === 'fish') return fish(commands);
  // One case a prefix: "" → first words, "artifacts" → its subcommands; a full command → its flags.
  const next = new Map<string, Set<string>>();
  for (const { words, flags } of commands) {
    for (const [index, word] of words.entries()) suggest(next, words.slice(0, index).join(' '), word);
    for (const flag of flags) suggest(next, words.join(' '), `--${flag}`);
  }
  const cases = [...next].map(([prefix, words]) => `    "${prefix}") options="${[...words].join(' ')}" ;;`).join('\n');
  const body = `_lambdactl() {
  local prefix="" options="" word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in -*) continue ;; esac
    case "\${prefix:+$prefix }$word" in
${knownPrefixes(commands)}
    esac
  done
  case "$prefix" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$options" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _lambdactl lambdactl`;
  return shell === 'zsh' ? `#compdef lambdactl\nautoload -U +X bashcompinit && bashcompinit\n${body}` : body;
}

function suggest(next: Map<string, Set<string>>, prefix: string, word: string): void {
  const words = next.get(prefix) ?? new Set();
  next.set(prefix, words.add(word));
}

function knownPrefixes(commands: readonly CompletedCommand[]): string {
  const prefixes = new Set(
    commands.flatMap(({ words }) => words.map((_, index) => words.slice(0, index + 1).join(' '))),
  );
  return [...prefixes].map((prefix) => `      "${prefix}") prefix="${prefix}" ;;`).join('\n');
}

function fish(commands: readonly CompletedCommand[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ words, summary, flags }) => {
    const seen = words.slice(0, -1).map((word) => `__fish_seen_subcommand_from ${word}`);
    const when = [...seen, `not __fish_seen_subcommand_from ${words.at(-1)}`].join('; and ');
    const active = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    return [
      `complete -c lambdactl -f -n ${quote(when)} -a ${quote(words.at(-1) ?? '')} -d ${quote(summary)}`,
      ...flags.map((flag) => `complete -c lambdactl -n ${quote(active)} -l ${flag}`),
    ];
  });
  return lines.join('\n');
}
