// Every metric of the logger, in one place: names, help, labels and buckets. Labels are bounded: none carries anything
// that a client chose. The documented table (docs/reference/metrics.md) is compared with this file by a test.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'distributed_logger_';

// Bucket bounds in seconds: an fsync or a round trip takes 0.1-10 ms, a takeover 10 ms-10 s.
const FAST_SECONDS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SLOW_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30];

/** What is true at the moment of a scrape; read then, never kept twice. */
export interface Observed {
  readonly isLeader: boolean;
  readonly hasLeader: boolean;
  readonly epoch: number;
  readonly labelEnabled: boolean;
  readonly labelInSync: boolean;
  readonly consulReachable: boolean;
  readonly sessionValid: boolean;
  readonly firstOffset: number;
  readonly commitOffset: number;
  readonly endOffset: number;
  readonly syncedOffset: number;
  readonly logSizeBytes: number;
  readonly logSegments: number;
  readonly diskFull: boolean;
  readonly pendingRequests: number;
  readonly pendingBytes: number;
  readonly members: number;
  readonly followers: readonly {
    readonly id: string;
    readonly connected: boolean;
    readonly lag: number | null;
  }[];
}

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(build: { version: string; node: string }, observe: () => Observed) {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, read: (now: Observed) => number): void => {
    new Gauge({
      name: PREFIX + name,
      help,
      registers,
      collect() {
        this.set(read(observe()));
      },
    });
  };
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: PREFIX + name, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: number[] = FAST_SECONDS,
  ) => new Histogram<L>({ name: PREFIX + name, help, labelNames, buckets, registers });

  const bit = (value: boolean): number => (value ? 1 : 0);
  gauge('is_leader', '1 while this logger leads', (now) => bit(now.isLeader));
  gauge('has_leader', '1 while this logger knows an established leader', (now) => bit(now.hasLeader));
  gauge('epoch', 'Highest epoch this logger has heard of', (now) => now.epoch);
  gauge('label_in_sync', '1 while the observed pod label is the wanted one, or labels are off', (now) =>
    bit(!now.labelEnabled || now.labelInSync),
  );
  gauge('consul_reachable', '1 while the last call to Consul succeeded', (now) => bit(now.consulReachable));
  gauge('consul_session_valid', '1 while this logger holds a Consul session', (now) => bit(now.sessionValid));
  gauge('log_first_offset', 'Lowest offset kept', (now) => now.firstOffset);
  gauge('log_commit_offset', 'Records below this offset are committed', (now) => now.commitOffset);
  gauge('log_end_offset', 'Offset after the last record', (now) => now.endOffset);
  gauge('log_synced_offset', 'Records below this offset are on the disk', (now) => now.syncedOffset);
  gauge('log_size_bytes', 'Size of all segments', (now) => now.logSizeBytes);
  gauge('log_segments', 'Number of segments', (now) => now.logSegments);
  gauge('log_disk_full', '1 while the disk refuses writes for want of room', (now) => bit(now.diskFull));
  gauge('append_pending_requests', 'Appends that wait for their commit', (now) => now.pendingRequests);
  gauge('append_pending_bytes', 'Bytes of the appends that wait for their commit', (now) => now.pendingBytes);
  gauge('members', 'Members in the register as this logger knows it', (now) => now.members);
  followerGauges(registers, observe);

  new Gauge({
    name: `${PREFIX}build_info`,
    help: '1, with the build as labels',
    labelNames: ['version', 'node'],
    registers,
  })
    .labels(build.version, build.node)
    .set(1);
  collectDefaultMetrics({ register: registry, prefix: PREFIX });

  return {
    registry,
    leaderChanges: counter('leader_changes_total', 'Changes of the known leader'),
    elections: counter('elections_total', 'Elections that this logger won'),
    leadershipLost: counter('leadership_lost_total', 'Times this logger stopped leading', ['reason']),
    electionDuration: histogram(
      'election_duration_seconds',
      'Of the elections this logger won: from losing the leader, or the start, until it took appends',
      [],
      SLOW_SECONDS,
    ),
    labelPatches: counter('label_patches_total', 'Patches of pod labels', ['result']),
    labelPatchDuration: histogram('label_patch_duration_seconds', 'Duration of a patch of a pod label'),
    consulRequests: counter('consul_requests_total', 'Calls to Consul', ['operation', 'result']),
    consulRequestDuration: histogram('consul_request_duration_seconds', 'Duration of calls to Consul', [
      'operation',
    ]),
    sessionRenewals: counter('consul_session_renewals_total', 'Renewals of the Consul session', ['result']),
    requests: counter('http_requests_total', 'HTTP requests', ['route', 'method', 'status']),
    requestDuration: histogram('http_request_duration_seconds', 'Duration of HTTP requests', [
      'route',
      'method',
    ]),
    appends: counter('append_requests_total', 'Append requests by their outcome', ['code']),
    appendDuration: histogram('append_duration_seconds', 'From an append request until its answer'),
    records: counter('records_appended_total', 'Records appended by this logger as leader'),
    bytes: counter('bytes_appended_total', 'Bytes of record batches appended by this logger as leader'),
    printed: counter('records_printed_total', 'Records printed on stdout'),
    fsyncDuration: histogram('log_fsync_duration_seconds', 'Duration of fdatasync of the log'),
    peerFrames: counter('peer_frames_total', 'Frames exchanged with other loggers', ['peer', 'direction']),
    peerBytes: counter('peer_bytes_total', 'Bytes exchanged with other loggers', ['peer', 'direction']),
    peerConnects: counter('peer_connects_total', 'Connections made with other loggers', ['peer']),
    peerDisconnects: counter('peer_disconnects_total', 'Connections to other loggers that ended', [
      'peer',
      'reason',
    ]),
    peerRoundTrip: histogram('peer_round_trip_seconds', 'A heartbeat and its echo', ['peer']),
    readers: new Gauge({ name: `${PREFIX}readers`, help: 'Live readers (SSE and long-polls)', registers }),
  };
}

function followerGauges(registers: Registry[], observe: () => Observed): void {
  new Gauge({
    name: `${PREFIX}follower_lag_records`,
    help: 'Records that a follower is behind the end of this leader; only while leading',
    labelNames: ['follower'],
    registers,
    collect() {
      this.reset();
      for (const { id, lag } of observe().followers) if (lag !== null) this.labels(id).set(lag);
    },
  });
  new Gauge({
    name: `${PREFIX}follower_connected`,
    help: '1 while a follower is connected to this leader; only while leading',
    labelNames: ['follower'],
    registers,
    collect() {
      this.reset();
      for (const { id, connected } of observe().followers) this.labels(id).set(connected ? 1 : 0);
    },
  });
}
