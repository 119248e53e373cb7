// The help of dlog, of all and of each command; docs/reference/cli.md is made from the same texts.
import type { Command } from './options.ts';

const OPTIONS = `Options of all commands:
  --url URL         base URL of the leader Service or of any logger; may be repeated
                    (default: $DLOG_URL, or http://127.0.0.1:8080)
  --consul URL      look the leader up in Consul; may be repeated ($DLOG_CONSUL_TOKEN or the file
                    $DLOG_CONSUL_TOKEN_FILE is its token, $DLOG_CONSUL_CA_FILE its authorities)
  --cluster NAME    name of the cluster in Consul (default: default)
  --kube            find the loggers on Kubernetes, by the kubeconfig, and reach them by port-forwards
  -n, --namespace NAME  where they are (default: that of the context)
  --context NAME    of the kubeconfig (default: the current one)
  --release NAME    of the chart, where a namespace holds several
  -l, --selector LABELS  of the loggers' pods, instead of the chart's
  --token TOKEN     bearer token, where the loggers ask for one (default: $DLOG_TOKEN)
  --token-file FILE file that holds the token
  --ca-file FILE    authorities to trust for https:// loggers, in PEM (default: $DLOG_CA_FILE, or those
                    that Node knows)
  --timeout TIME    how long to try, such as 500ms, 30s or 5m (default: 30s)
  --json            machine-readable output, errors too
  -h, --help        this text
  --version         the version of dlog
`;

const GENERAL = `Usage: dlog COMMAND [OPTIONS]

Commands:
  status               role, leader, epoch, offsets and members
  members              list the members and how far behind they are
  members add ID…      make loggers members, and wait until they are
  members remove ID…   make members mere followers, and wait until they are
  transfer [ID]        hand leadership over
  produce [TEXT…|-]    append texts, or the lines of the input or a file, each exactly once
  tail                 print records
  bench                write records for a while, and measure throughput and latency
  load                 produce and read for a while, and record every call
  verify [FILE…]       check what was recorded, or that the loggers agree now
  restore DIR          make a copy of a data directory ready to be started from
  completion SHELL     a script that completes command lines, for bash, zsh or fish

${OPTIONS}
dlog COMMAND --help tells more about a command.
`;

const COMMAND_HELP: Readonly<Record<Command, string>> = {
  status: `Usage: dlog status [OPTIONS]

Shows what one logger knows: with one --url that one, else any that answers.
`,
  members: `Usage: dlog members [OPTIONS]

Lists the members, as the leader knows them.
`,
  'members add': `Usage: dlog members add ID… [OPTIONS]

Tells the leader that these loggers shall be members too, and waits until the register says so. They must
be running and connected; each is added once it has caught up. Not on Kubernetes: scale the StatefulSet.
`,
  'members remove': `Usage: dlog members remove ID… [OPTIONS]

Tells the leader that these loggers shall be no members, and waits until the register says so. After that
they can be stopped. A leader that is to go hands over first.
`,
  transfer: `Usage: dlog transfer [ID] [OPTIONS]

Hands leadership over to the logger ID, or to the most caught-up one, and waits until another one leads.
`,
  produce: `Usage: dlog produce [TEXT…|-|--file FILE] [OPTIONS]

Appends each TEXT as a record; without one, or with -, each line of the input. Every record is stored exactly
once and in order, through any failover. Each must be acknowledged within --timeout. On a terminal the progress
of what is acknowledged is shown.

A line ends with LF, or with CR LF; neither belongs to the record. All its other bytes are sent as they are,
whether they are UTF-8 or not. A line above 64 MiB is record-too-large before it is read whole.

  --file FILE       append each line of this file
`,
  tail: `Usage: dlog tail [--from OFFSET|--since TIME] [--follow] [OPTIONS]

  --from OFFSET     first record to print: an offset, earliest or latest (default: the last ten)
  --since TIME      begin with the first record since then: how long ago, such as 90s, 10m, 2h or 1d, by this
                    machine's clock, or a moment such as 2026-01-31T12:00:00Z
  -f, --follow      go on printing records as they are committed
`,
  bench: `Usage: dlog bench [--yes] [OPTIONS]

Writes records into the log for a while, where they stay, says how fast they were acknowledged, and reads them back:
each must be where it was acknowledged. Each must be acknowledged within --timeout. Asks before it writes; where
nobody can be asked it takes --yes.

  --size BYTES      of each record, at least 32 (default: 100)
  --seconds N       how long (default: 10)
  --producers N     exactly-once producers (default: 1)
  --in-flight N     records of each producer that wait for their acknowledgement at a time (default: 1000)
  --rate N          records a second of each producer (default: as fast as they are acknowledged); latency then counts
                    from when a record was due
  --yes             do not ask
`,
  load: `Usage: dlog load --url URL [--read-url URL]… [OPTIONS]

Producers and readers work on the log until the time is over, or SIGTERM or SIGINT says so, whatever becomes of the
log meanwhile. Every call is recorded as a JSON line for dlog verify. In the end every logger is read whole.

  --history FILE    where to record (default: stdout)
  --read-url URL    base URL of one logger, read by itself; repeated for each
  --seconds N       how long; without it until told to end
  --producers N     exactly-once producers (default: 2)
  --appenders N     appenders without producer id, which never repeat a call (default: 0)
  --rate N          calls a second of each of these (default: 50)
  --call-timeout-ms N  deadline of a call (default: 10000)
  --name NAME       begins the names of processes and values (default: a random one); never twice for one log
  --base OFFSET     where reading begins, when this goes on with a recording that was killed (default: what is
                    committed at the start); what is read must have been sent by a recorded writer
  --no-final        no final read; else it must be done within --timeout
`,
  completion: `Usage: dlog completion bash|zsh|fish

Prints a script for the shell, to be loaded in its start-up file:

  ~/.bashrc                    source <(dlog completion bash)
  ~/.zshrc, after compinit     source <(dlog completion zsh)
  ~/.config/fish/config.fish   dlog completion fish | source
`,
  restore: `Usage: dlog restore DIR [OPTIONS]

Gives the data directory DIR, restored from a backup or a snapshot, an identity of its own (a new uid) and keeps
its log. No logger may run on it. A logger that starts with it is a new member: it counts once it has taken from the
leader what it lacks. Without this it would be taken for the logger that the copy was made from.
`,
  verify: `Usage: dlog verify [FILE…] [OPTIONS]

Checks histories together, all those of one log; - is the input. Without FILE it compares the logs that the loggers
named by --url have now; with one --url also those of the other members, where they can be reached. Ends with 0 if the log is shown to be right, with 1 if it is wrong or that cannot be told.

  --clock-skew-ms N  how far the clocks of two files may differ (default: 10)
  --others          records of writers that were not recorded are no fault
`,
};

export const helpOf = (command: Command | null): string =>
  command === null ? GENERAL : `${COMMAND_HELP[command]}\n${OPTIONS}`;
