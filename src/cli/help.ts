// The help of dlog, of all and of each command. docs/reference/cli.md holds the same texts; a test compares them.
import type { Command } from './arguments.ts';

const OPTIONS = `Options of all commands:
  --url URL         base URL of the leader Service or of any logger; may be repeated
                    (default: $DLOG_URL, or http://127.0.0.1:8080)
  --consul URL      look the leader up in Consul; may be repeated ($DLOG_CONSUL_TOKEN is its token)
  --cluster NAME    name of the cluster in Consul (default: default)
  --timeout TIME    how long to try, such as 500ms, 30s or 5m (default: 30s)
  --json            machine-readable output
  -h, --help        this text
`;

const GENERAL = `Usage: dlog COMMAND [OPTIONS]

Commands:
  status               role, leader, epoch, offsets and members
  members              list the members and how far behind they are
  members add ID…      make loggers members, and wait until they are
  members remove ID…   make members mere followers, and wait until they are
  transfer [ID]        hand leadership over
  produce [TEXT…|-]    append texts, or the lines of the input, each exactly once
  tail                 print records

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
  produce: `Usage: dlog produce [TEXT…|-] [OPTIONS]

Appends each TEXT as a record; without one, or with -, each line of the input. Every record is stored exactly
once and in order, through any failover. Each must be acknowledged within --timeout.
`,
  tail: `Usage: dlog tail [--from OFFSET] [--follow] [OPTIONS]

  --from OFFSET     first record to print: an offset, earliest or latest (default: the last ten)
  -f, --follow      go on printing records as they are committed
`,
};

export const helpOf = (command: Command | null): string =>
  command === null ? GENERAL : `${COMMAND_HELP[command]}\n${OPTIONS}`;
