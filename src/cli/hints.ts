// What to try next, for every code that a command can end with. docs/reference/cli.md is made from this table.
import type { ClientErrorCode } from '../client/index.ts';
import type { CliCode } from './cli-error.ts';

export type FailureCode = Exclude<ClientErrorCode, 'aborted'> | CliCode | 'consul-unreachable';

const REPORT = 'this should not happen: what the logger prints says more; please report it';
const VERSIONS = 'are dlog and the loggers of one version? dlog --version and dlog status --json tell';
const AGAIN = 'try again in a moment';
const LOOK = 'dlog status shows who leads, who is connected and whether Consul answers';
const SEQUENCE = 'another program sends with the same producer id: each needs an id of its own';

export const HINTS: Readonly<Record<FailureCode, string>> = {
  // The loggers', as in docs/reference/errors.md.
  'invalid-request': VERSIONS,
  'invalid-offset': 'offsets are whole numbers from 0 on; --from earliest begins at the first one kept',
  'invalid-record': VERSIONS,
  'invalid-batch': VERSIONS,
  'invalid-producer': VERSIONS,
  unauthorized: 'give a token by --token-file FILE or $DLOG_TOKEN; an old one may have been rotated away',
  forbidden:
    'another token is needed: produce takes the role produce, bench that and read, status, members and tail the role read, transfer and changes of members the role operate',
  'cross-site': 'a proxy on the way adds the header fields of a browser: name the logger itself',
  'unknown-host': 'name the logger by localhost or its address, or give it DLOG_API_URL',
  'not-found': `is this the base URL of a logger, without a path of its own? If it is: ${VERSIONS}`,
  'unknown-producer': 'the log no longer knows this producer: run the command again',
  'method-not-allowed': VERSIONS,
  'request-timeout': 'the request arrived too slowly: is the way to the loggers slow?',
  'sequence-gap': SEQUENCE,
  'sequence-conflict': SEQUENCE,
  'producer-fenced': SEQUENCE,
  'producer-moved': SEQUENCE,
  'transfer-impossible': `no follower can take over now: is another one connected and caught up? ${LOOK}`,
  'members-managed':
    'on Kubernetes the number of replicas decides: kubectl scale statefulset NAME --replicas N',
  'leader-present': `there is a leader, so nothing is lost; ${LOOK}`,
  'offset-gone': 'those records are no longer kept: dlog tail --from earliest begins with the first one kept',
  'body-too-large': 'send less at once, or raise DLOG_BODY_LIMIT_BYTES of the loggers',
  'record-too-large': 'records may be as large as DLOG_RECORD_LIMIT_BYTES of the loggers allows',
  'unsupported-media-type': VERSIONS,
  'offset-out-of-range':
    'the log is not that long: dlog status shows its end; after a restore it may begin anew',
  'too-many-requests': 'the loggers have more to do than they take: send less, or later',
  'headers-too-large': 'is the token one token, and not a whole file?',
  internal: REPORT,
  'log-damaged':
    'name another logger by --url, and replace the volume of this one: docs/how-to/runbooks/log-damaged.md',
  'unsupported-transfer-coding': VERSIONS,
  'outcome-unknown': 'it may have been stored: dlog tail shows the newest records',
  'no-leader': `until a majority of the loggers runs and Consul answers nobody can lead; ${LOOK}`,
  'not-leader': AGAIN,
  overloaded: 'the loggers have more to do than they take: send less, or later',
  'shutting-down': `${AGAIN}, or name another logger by --url`,
  'not-ready': `the logger is starting, or in touch with no leader: ${AGAIN}, or name another one by --url`,
  'disk-full': 'the disk of a majority of the loggers is full: shorten the retention or give them more room',
  // The client's.
  closed: REPORT,
  'queue-full': REPORT,
  'epoch-exhausted': 'this producer id is used up: take another one',
  'bad-answer':
    'what answered is no logger: --url takes the base URL of the API, port 8080 unless told otherwise (not that of Consul, of the peers or of the status page of something else)',
  'no-answer':
    'does a logger run there? --url URL or $DLOG_URL names others, --kube finds those on Kubernetes, --consul URL asks Consul; npm start runs some on this machine',
  // Our own.
  'consul-unreachable': 'is --consul the URL of a Consul server or agent, such as http://127.0.0.1:8500?',
  usage: 'dlog --help tells what there is',
  'not-in-time': `give it more time by --timeout; ${LOOK}`,
  interrupted: 'what was acknowledged is stored; what was under way may be',
  'tls-failed':
    '--url takes https:// where the loggers speak TLS and http:// where not; --ca-file FILE names the authority of their certificates',
  'not-confirmed': 'it writes records into the log, for good: give --yes if that is what you want',
  'log-not-valid': 'docs/reference/verify.md explains every anomaly',
  'offsets-wrong':
    'do the loggers agree? dlog verify with --url of each of them compares them; please report this',
  'file-error': 'is the path right, may you read or write it, and is there room?',
  'kube-config': 'name a kubeconfig by $KUBECONFIG, and one of its contexts by --context NAME',
  'kube-unreachable': 'does kubectl get pods reach the cluster? --context NAME names another one',
  'kube-refused':
    'whoever the kubeconfig names must be allowed to list pods and to get and create pods/portforward in the namespace',
  'kube-no-loggers':
    'name where they are by --namespace and --context; kubectl get pods -A -l app.kubernetes.io/name=distributed-logger finds them; --selector finds those with other labels',
  'kube-several-releases': 'name one of them by --release NAME',
  failed: 'dlog COMMAND --help tells what the command takes',
};
