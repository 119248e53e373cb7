// The commands and options of dlog, as tables: the command line is read by them, and shells complete it by them.
import { BENCH_OPTIONS, OPTIONS_OF_BENCH } from './bench-arguments.ts';
import { HISTORY_OPTIONS, OPTIONS_OF_LOAD, OPTIONS_OF_VERIFY } from './history-arguments.ts';
import { KUBE_OPTIONS } from './kube-arguments.ts';

export const COMMANDS = [
  'status',
  'members',
  'members add',
  'members remove',
  'transfer',
  'produce',
  'tail',
  'bench',
  'load',
  'verify',
  'restore',
  'completion',
] as const;
export type Command = (typeof COMMANDS)[number];

/** Shells that can be told how to complete a command line. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const OPTIONS = {
  url: { type: 'string', multiple: true },
  consul: { type: 'string', multiple: true },
  cluster: { type: 'string' },
  ...KUBE_OPTIONS,
  token: { type: 'string' },
  'token-file': { type: 'string' },
  'ca-file': { type: 'string' },
  json: { type: 'boolean' },
  timeout: { type: 'string' },
  from: { type: 'string' },
  since: { type: 'string' },
  follow: { type: 'boolean', short: 'f' },
  file: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  ...BENCH_OPTIONS,
  ...HISTORY_OPTIONS,
} as const;

export type OptionName = keyof typeof OPTIONS;

const optionsOf: { readonly [Name in Command]?: readonly OptionName[] } = {
  tail: ['from', 'since', 'follow'],
  produce: ['file'],
  bench: OPTIONS_OF_BENCH,
  load: OPTIONS_OF_LOAD,
  verify: OPTIONS_OF_VERIFY,
};

/** The commands that have an option; all of them where this is empty. */
export const ownersOf = (name: OptionName): Command[] =>
  COMMANDS.filter((command) => optionsOf[command]?.includes(name));
