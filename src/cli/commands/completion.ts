// dlog completion: scripts for bash, zsh and fish, made from the same tables that the command line is read by.
import { COMMANDS, OPTIONS, type OptionName, ownersOf, SHELLS } from '../options.ts';
import type { CommandContext } from '../run.ts';

type Shell = (typeof SHELLS)[number];

const FILE_OPTIONS: readonly OptionName[] = ['file', 'history', 'token-file', 'ca-file'];
const FILE_COMMANDS: readonly string[] = ['verify', 'restore'];
const ONE_WORD = COMMANDS.filter((name) => !name.includes(' '));
const NAMES = Object.keys(OPTIONS) as OptionName[];

export async function completion({ invocation, terminal }: CommandContext): Promise<void> {
  terminal.out(completionScript(invocation.operands[0] as Shell));
}

export function completionScript(shell: Shell): string {
  if (shell === 'bash') return bash();
  return shell === 'zsh' ? zsh() : fish();
}

const optionsOf = (command: string): OptionName[] => NAMES.filter((name) => isOf(command, ownersOf(name)));

const isOf = (command: string, owners: readonly string[]): boolean =>
  owners.length === 0 || owners.includes(command);

const flags = (command: string): string =>
  optionsOf(command)
    .map((name) => `--${name}`)
    .join(' ');

const wordsAfter: Readonly<Record<string, string>> = {
  members: 'add remove',
  completion: SHELLS.join(' '),
  help: ONE_WORD.join(' '),
};

function cases(line: (command: string, options: string, words: string) => string): string {
  return [...ONE_WORD, 'help']
    .map((command) => line(command, flags(command), wordsAfter[command] ?? ''))
    .join('\n');
}

const alternatives = (names: readonly OptionName[]): string => names.map((name) => `--${name}`).join('|');
const fileFlags = alternatives(FILE_OPTIONS);
/** What follows these is no word that could be known. */
const valueFlags = alternatives(
  NAMES.filter((name) => OPTIONS[name].type === 'string' && !FILE_OPTIONS.includes(name)),
);

function bash(): string {
  return `# bash completion of dlog:  source <(dlog completion bash)
_dlog() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= options= words= index
  COMPREPLY=()
  case $before in
    ${fileFlags}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${valueFlags}) return ;;
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${[...ONE_WORD, 'help'].join('|')}) command=\${COMP_WORDS[index]}; break ;;
    esac
  done
  case $command in
    '') options='--help --version' words='${[...ONE_WORD, 'help'].join(' ')}' ;;
${cases((command, options, words) => `    ${command}) options='${options}' words='${words}' ;;`)}
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ $command == ${FILE_COMMANDS.join(' || $command == ')} ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -F _dlog dlog
`;
}

function zsh(): string {
  return `#compdef dlog
# zsh completion of dlog:  source <(dlog completion zsh)
_dlog() {
  local command= options= offered= word
  case \${words[CURRENT-1]} in
    ${fileFlags}) _files; return ;;
    ${valueFlags}) return ;;
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $word in
      ${[...ONE_WORD, 'help'].join('|')}) command=$word; break ;;
    esac
  done
  case $command in
    '') options='--help --version' offered='${[...ONE_WORD, 'help'].join(' ')}' ;;
${cases((command, options, words) => `    ${command}) options='${options}' offered='${words}' ;;`)}
  esac
  if [[ $PREFIX == -* ]]; then
    compadd -- \${=options}
  elif [[ $command == ${FILE_COMMANDS.join(' || $command == ')} ]]; then
    _files
  else
    compadd -- \${=offered}
  fi
}
compdef _dlog dlog
`;
}

function fish(): string {
  const names = [...ONE_WORD, 'help'].join(' ');
  const lines = NAMES.map((name) => {
    const owners = ownersOf(name).join(' ');
    const condition = owners === '' ? '' : ` -n '__fish_seen_subcommand_from ${owners}'`;
    const files = FILE_OPTIONS.includes(name) ? ' -rF' : OPTIONS[name].type === 'string' ? ' -x' : '';
    return `complete -c dlog${condition} -l ${name}${files}`;
  });
  const words = Object.entries(wordsAfter).map(
    ([command, offered]) => `complete -c dlog -n '__fish_seen_subcommand_from ${command}' -a '${offered}'`,
  );
  return `# fish completion of dlog:  dlog completion fish | source
complete -c dlog -f
complete -c dlog -n 'not __fish_seen_subcommand_from ${names}' -a '${names}'
${words.join('\n')}
complete -c dlog -n '__fish_seen_subcommand_from ${FILE_COMMANDS.join(' ')}' -F
${lines.join('\n')}
`;
}
