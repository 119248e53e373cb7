// Renders docs/reference/cli.md from the help texts and tables of dlog.
import { EXIT_CODES } from '../src/cli/exit-codes.ts';
import { helpOf } from '../src/cli/help.ts';
import { HINTS } from '../src/cli/hints.ts';
import { COMMANDS, type Command } from '../src/cli/options.ts';

/** What the help of a command leaves to the page. */
const MORE: { readonly [Name in Command]?: string } = {
  produce: `A record that is acknowledged is stored for good. The command ends with the first record that is refused or not
acknowledged in time; those before it are stored.`,
  bench: `Latency is the time from when a record is handed to the client until its acknowledgement. Without \`--rate\` it is mostly
the time that it waits behind the \`--in-flight\` others, so take \`--in-flight 1\` for the latency of one record alone, or
\`--rate\` for that under a known load. It takes tokens with the roles \`produce\` and \`read\`. For the measurements of this
project itself see [performance.md](performance.md).`,
  verify: 'Both are told about in [verify.md](verify.md).',
};

const section = (command: Command): string => {
  const [own = ''] = helpOf(command).split('\nOptions of all');
  const more = MORE[command];
  return `### dlog ${command}\n\n\`\`\`\n${own}\`\`\`\n${more ? `\n${more}\n` : ''}`;
};

const exitRows = Object.values(EXIT_CODES)
  .map(({ number, meaning, next }) => `| ${number} | ${meaning} | ${next} |`)
  .join('\n');
const hintRows = Object.entries(HINTS)
  .map(([code, hint]) => `| \`${code}\` | ${hint} |`)
  .join('\n');

export const renderCli = (): string => `# dlog, the command line

\`npm run dlog -- COMMAND\` from the sources; \`dlog COMMAND\` where the package is installed, and in the image:
\`kubectl exec POD -- dlog status\`. It speaks the [HTTP API](api.md) of any logger and follows the leader by itself. This page is
made from the code (\`npm run docs\`).

\`\`\`
${helpOf(null)}\`\`\`

## Where the loggers are

By URL, through Consul, or on Kubernetes; whichever it is, a failover on the way is followed.

**By URL** (\`--url\`, \`$DLOG_URL\` with several separated by commas): the leader Service, or any loggers. Whoever does not lead names
the leader, by the URL that it gives for itself (\`DLOG_API_URL\`), which must be reachable from here.

**Through Consul** (\`--consul URL\`, \`--cluster NAME\`): the leader is read from the loggers' register and watched. \`--url\` may be
given beside it.

**On Kubernetes** (\`--kube\`): from outside the cluster, with what kubectl uses: \`$KUBECONFIG\` or \`~/.kube/config\`, \`--context\`,
\`--namespace\`. The loggers are the pods with the chart's labels; \`--release\` chooses between several releases, \`--selector\` finds
pods with other labels. Every connection to a logger is a port-forward to its pod, so that redirects to pods' addresses lead
somewhere, and a logger that takes over is found where it is. Nothing listens on this machine. Where the pods serve TLS, the loggers
are called by the names of the chart's certificates, \`POD.NAME-headless.NAMESPACE.svc\`; \`--ca-file\` names the authority. It takes the right to list pods and to
get and create \`pods/portforward\` in the namespace:

\`\`\`yaml
rules:
  - { apiGroups: [""], resources: [pods], verbs: [get, list] }
  - { apiGroups: [""], resources: [pods/portforward], verbs: [get, create] }
\`\`\`

An HTTP proxy before the API server is used as kubectl uses it: \`proxy-url\` of the kubeconfig's cluster, else \`HTTPS_PROXY\` but for what
\`NO_PROXY\` names (\`HTTP_PROXY\` for a server without TLS), with a user and password where the URL has them. A SOCKS proxy is refused.
The other two ways take no proxy.

\`load\` and \`verify\` take \`--url\` alone.

A token (\`--token-file\`, \`$DLOG_TOKEN\`, or \`--token\`, which everybody on the machine can see in the list of processes) goes with
every request to a logger; which role a command takes is said under \`forbidden\` [below](#errors).

## Commands

${COMMANDS.map(section).join('\n')}
## Output

For people: columns, or one record a line. On a terminal control characters are shown as \`·\` and a value that is not UTF-8 as
\`base64 …\`, since a record could otherwise control the terminal or look like two; into a file or a pipe \`tail\` writes the bytes as
they are, each value followed by a LF. With \`--json\`, one object a line:

| command | object |
| --- | --- |
| \`status\` | the [status](api.md#status) as the API gives it |
| \`members\`, \`members add\`, \`members remove\` | \`{"wanted", "members"}\`, see [Members](api.md#members) |
| \`transfer\` | \`{"epoch", "leader"}\`, once another one leads |
| \`produce\` | \`{"offset", "count", "epoch"}\` for each record as it is acknowledged |
| \`tail\` | rows as the API gives them: \`{"offset", "timestamp", "epoch", "key"?, "value"}\` |
| \`bench\` | \`{"records", "recordBytes", "producers", "ratePerSecond", "inFlight", "seconds", "recordsPerSecond", "bytesPerSecond", "latencyMs": {"min", "mean", "p50", "p90", "p99", "p999", "max"}, "offsets": {"first", "last"}, "epochs": {"first", "last"}, "retries", "check": {"records", "lost", "repeated", "misplaced"}}\` |
| \`load\` | the history, unless \`--history\` names a file; then its last line, the summary |
| \`verify\` | \`{"verdict", "anomalies", "counts", "summary", "notes"}\`, see [verify.md](verify.md#the-report) |
| \`--version\` | \`{"version"}\` |

Messages go to stderr.

## Exit codes

| code | meaning | what to do |
| --- | --- | --- |
${exitRows}

\`dlog produce\` that ends with ${EXIT_CODES.unknown.number} or ${EXIT_CODES.interrupted.number} may have stored records that it did not see acknowledged: each of them once, in order.

## Errors

A command that fails says on stderr what is wrong and what to try next:

\`\`\`
$ dlog stauts
dlog: there is no command "stauts"
hint: did you mean dlog status? dlog --help tells what it takes
\`\`\`

With \`--json\` that is one object on stderr: \`{"error": {"code", "message", "hint", "outcome", "exitCode"}}\`. \`code\` is stable: decide
by it; \`message\` and \`hint\` may change. \`outcome\` is what became of the write that was asked for, as in [errors.md](errors.md):
\`refused\`, \`unknown\`, or \`none\`; null for a command that writes nothing. When a command gives up after \`--timeout\`, the code is that
of what kept it from being done.

| code | hint |
| --- | --- |
${hintRows}

## Completion

\`dlog completion bash\`, \`zsh\` or \`fish\` prints a script that completes commands, options and files; see [above](#dlog-completion) for
where to load it.
`;
