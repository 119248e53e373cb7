// Every metric of the logger, in one place: names, help, labels and buckets. Labels are bounded: none carries anything
// that a client chose. The documented table (docs/reference/metrics.md) is compared with this file by a test.
import { LOGGER_ERRORS } from './errors.ts';
import {
  type Build,
  beginAtZero,
  createInstruments,
  type Instruments,
  tallyFromZero,
} from './metrics/base.ts';
import { type DiskRoom, type Observed, observedGauges } from './metrics/observed.ts';

export type { DiskRoom, Observed, ObservedFollower } from './metrics/observed.ts';

// Bucket bounds in seconds: an fsync or a round trip takes 0.1-10 ms, a takeover 10 ms-10 s.
const FAST_SECONDS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SLOW_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30];
const RECORDS = [1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** Why a leadership ends, and how calls and renewals do; known before, so that their counters begin at 0. */
const STEP_DOWN_REASONS = [
  'higher-epoch',
  'register',
  'transferred',
  'quiet',
  'stuck',
  'same-epoch',
  'no-promises',
  'adoption',
  'retired',
];
/** All but those for which only the client can be blamed. */
const APPEND_OUTCOMES = ['ok', 'redirected', 'left', ...LOGGER_ERRORS];
const RENEWALS = ['ok', 'error'];
const TLS_USES = ['api', 'peer'];
const PATCH_RESULTS = ['ok', 'conflict', 'error'];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(build: Build, observe: () => Observed, diskRoom: () => Promise<DiskRoom>) {
  const instruments = createInstruments(build);
  observedGauges(instruments, observe, diskRoom);
  return {
    registry: instruments.registry,
    ...leadershipMetrics(instruments),
    ...outsideMetrics(instruments),
    ...apiMetrics(instruments),
    ...logMetrics(instruments),
    ...peerMetrics(instruments),
    ...tlsMetrics(instruments),
  };
}

const leadershipMetrics = ({ counter, histogram }: Instruments) => ({
  leaderChanges: counter('leader_changes_total', 'Changes of the known leader'),
  elections: counter('elections_total', 'Elections that this logger won'),
  leadershipLost: beginAtZero(
    counter('leadership_lost_total', 'Times this logger stopped leading', ['reason']),
    STEP_DOWN_REASONS,
  ),
  electionDuration: histogram(
    'election_duration_seconds',
    'Of the elections this logger won: from losing the leader, or the start, until it took appends',
    [],
    SLOW_SECONDS,
  ),
  memberChanges: beginAtZero(
    counter('member_changes_total', 'Members that this logger, as leader, added or removed', ['change']),
    ['added', 'removed'],
  ),
});

const outsideMetrics = ({ counter, histogram }: Instruments) => ({
  labelPatches: beginAtZero(
    counter('label_patches_total', 'Patches of pod labels', ['result']),
    PATCH_RESULTS,
  ),
  labelPatchDuration: histogram(
    'label_patch_duration_seconds',
    'Duration of a patch of a pod label',
    [],
    FAST_SECONDS,
  ),
  kubernetesRequests: counter('kubernetes_requests_total', 'Calls to the Kubernetes API server', [
    'operation',
    'result',
  ]),
  kubernetesRequestDuration: histogram(
    'kubernetes_request_duration_seconds',
    'Duration of calls to the Kubernetes API server',
    ['operation'],
    FAST_SECONDS,
  ),
  consulRequests: counter('consul_requests_total', 'Calls to Consul', ['operation', 'result']),
  consulRequestDuration: histogram(
    'consul_request_duration_seconds',
    'Duration of calls to Consul',
    ['operation'],
    FAST_SECONDS,
  ),
  sessionRenewals: beginAtZero(
    counter('consul_session_renewals_total', 'Renewals of the Consul session', ['result']),
    RENEWALS,
  ),
});

const apiMetrics = ({ counter, gauge, tallyHistogram, tally }: Instruments) => ({
  requests: tally('http_requests_total', 'HTTP requests', ['route', 'method', 'status']),
  requestDuration: tallyHistogram(
    'http_request_duration_seconds',
    'Duration of HTTP requests',
    ['route', 'method'],
    FAST_SECONDS,
  ),
  appends: tallyFromZero(
    tally('append_requests_total', 'Append requests by their outcome', ['code']),
    APPEND_OUTCOMES,
  ),
  appendDuration: tallyHistogram(
    'append_duration_seconds',
    'From an append request until its answer',
    [],
    FAST_SECONDS,
  ).cell(),
  appendRecords: tallyHistogram(
    'append_request_records',
    'Records in an append request that was stored',
    [],
    RECORDS,
  ).cell(),
  readers: gauge('readers', 'Live readers (SSE and long-polls)'),
  slowReaders: counter(
    'slow_readers_closed_total',
    'Connections closed because their client took nothing of its answer for a minute, or too little for two',
  ),
  recordsRead: counter('records_read_total', 'Records read from this logger by clients'),
});

const logMetrics = ({ counter, gauge, tallyHistogram }: Instruments) => ({
  records: counter('records_appended_total', 'Records appended by this logger as leader'),
  bytes: counter('bytes_appended_total', 'Bytes of record batches appended by this logger as leader'),
  printed: counter('records_printed_total', 'Records printed on stdout'),
  fsyncDuration: tallyHistogram(
    'log_fsync_duration_seconds',
    'Duration of fdatasync of the log',
    [],
    FAST_SECONDS,
  ).cell(),
  recoveryDuration: gauge('log_recovery_duration_seconds', 'How long opening the log took at the last start'),
  tornBytes: gauge('log_torn_bytes', 'Bytes of a torn tail that the last start cut off'),
  quarantines: gauge('log_quarantined_logs', 'Logs put aside in the data directory, since they were damaged'),
});

const peerMetrics = ({ counter, gauge, histogram, tally }: Instruments) => ({
  peerConnected: gauge('peer_connected', '1 while there is a connection with another logger', ['peer']),
  peerFrames: tally('peer_frames_total', 'Frames exchanged with other loggers', ['peer', 'direction']),
  peerBytes: tally('peer_bytes_total', 'Bytes exchanged with other loggers', ['peer', 'direction']),
  peerConnects: counter('peer_connects_total', 'Connections made with other loggers', ['peer']),
  peerDisconnects: counter('peer_disconnects_total', 'Connections to other loggers that ended', [
    'peer',
    'reason',
  ]),
  peerRoundTrip: histogram('peer_round_trip_seconds', 'A heartbeat and its echo', ['peer'], FAST_SECONDS),
  peerHeartbeatsMissed: counter(
    'peer_heartbeats_missed_total',
    'Heartbeats of another logger, connected, that had not come when another one was due',
    ['peer'],
  ),
});

const tlsMetrics = ({ counter, gauge }: Instruments) => ({
  tlsExpiry: gauge(
    'tls_certificate_expiry_timestamp_seconds',
    'When the certificate in use expires, in seconds since 1970; where TLS is on',
    ['use'],
  ),
  tlsReloadFailures: beginAtZero(
    counter('tls_reload_failures_total', 'Changed certificates that could not be put to use', ['use']),
    TLS_USES,
  ),
  tlsHandshakeFailures: beginAtZero(
    counter(
      'tls_handshake_failures_total',
      'Connections that were refused because their TLS handshake failed, for want of a valid certificate among others',
      ['use'],
    ),
    TLS_USES,
  ),
});
