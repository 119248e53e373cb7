// What is true at the moment of a scrape; read then, never kept twice.
import type { Instruments } from './base.ts';

export interface ObservedFollower {
  readonly id: string;
  readonly connected: boolean;
  /** Its log is ours, and its acknowledgements count. */
  readonly matched: boolean;
  /** Null while it is not known. */
  readonly lagRecords: number | null;
  readonly lagBytes: number | null;
  /** Since it last answered in this epoch; null when it never has. */
  readonly silentSeconds: number | null;
}

export interface Observed {
  readonly isLeader: boolean;
  readonly hasLeader: boolean;
  readonly isMember: boolean;
  readonly epoch: number;
  readonly promisedEpoch: number;
  readonly label: {
    readonly enabled: boolean;
    readonly inSync: boolean;
    readonly wanted: 'leader' | 'follower';
    readonly observed: string | null;
  };
  readonly kubernetesReachable: boolean | null;
  readonly consulReachable: boolean;
  readonly registerReadable: boolean;
  readonly sessionValid: boolean;
  readonly firstOffset: number;
  readonly commitOffset: number;
  readonly endOffset: number;
  readonly syncedOffset: number;
  readonly commitStalledSeconds: number;
  /** Null until the clocks of a majority were heard. */
  readonly clockOffsetSeconds: number | null;
  readonly logTimeAheadSeconds: number;
  readonly logSizeBytes: number;
  readonly logSegments: number;
  readonly diskFull: boolean;
  readonly logDamaged: boolean;
  readonly pendingRequests: number;
  readonly pendingBytes: number;
  readonly connections: number;
  readonly members: number;
  /** Empty while not leading. */
  readonly followers: readonly ObservedFollower[];
}

/** Room on the file system that holds the log; NaN where that does not tell. */
export interface DiskRoom {
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

const bit = (value: boolean): number => (value ? 1 : 0);

export function observedGauges(
  { read, readEach }: Instruments,
  observe: () => Observed,
  diskRoom: () => Promise<DiskRoom>,
): void {
  const once = oncePerScrape(observe);
  const gauge = (name: string, help: string, value: (now: Observed) => number | null): void => {
    read(name, help, () => value(once()));
  };
  gauge('is_leader', '1 while this logger leads', (now) => bit(now.isLeader));
  gauge('has_leader', '1 while this logger knows an established leader', (now) => bit(now.hasLeader));
  gauge('epoch', 'Highest epoch this logger has heard of', (now) => now.epoch);
  gauge('promised_epoch', 'Highest epoch that this logger has promised', (now) => now.promisedEpoch);
  gauge('is_member', '1 while this logger counts in majorities, as far as it knows', (now) =>
    bit(now.isMember),
  );
  gauge('members', 'Members in the register as this logger knows it', (now) => now.members);

  gauge('label_in_sync', '1 while the observed pod label is the wanted one, or labels are off', ({ label }) =>
    bit(!label.enabled || label.inSync),
  );
  gauge(
    'label_wanted_leader',
    '1 while the own pod should carry the leader label; labels on only',
    ({ label }) => (label.enabled ? bit(label.wanted === 'leader') : null),
  );
  gauge('label_observed_leader', '1 while the own pod was last seen with the leader label', ({ label }) =>
    label.enabled && label.observed !== null ? bit(label.observed === 'leader') : null,
  );
  gauge('kubernetes_reachable', '1 while the last call to the API server was answered', (now) =>
    now.kubernetesReachable === null ? null : bit(now.kubernetesReachable),
  );
  gauge('consul_reachable', '1 while the last call to Consul succeeded', (now) => bit(now.consulReachable));
  gauge(
    'register_readable',
    '0 while the key in Consul holds something that is no register, so that nobody can be elected',
    (now) => bit(now.registerReadable),
  );
  gauge('consul_session_valid', '1 while this logger holds a Consul session', (now) => bit(now.sessionValid));

  gauge('log_first_offset', 'Lowest offset kept', (now) => now.firstOffset);
  gauge('log_commit_offset', 'Records below this offset are committed', (now) => now.commitOffset);
  gauge('log_end_offset', 'Offset after the last record', (now) => now.endOffset);
  gauge('log_synced_offset', 'Records below this offset are on the disk', (now) => now.syncedOffset);
  gauge(
    'log_commit_stalled_seconds',
    'As the leader: for how long records have waited without any commit; 0 when none waits',
    (now) => now.commitStalledSeconds,
  );
  gauge(
    'clock_offset_seconds',
    'How far the clock of this machine is ahead of the time that a majority of the members agrees on; negative: behind',
    (now) => now.clockOffsetSeconds,
  );
  gauge(
    'log_time_ahead_seconds',
    'How far the timestamp of the last record is ahead of that time; until it has come, all records get this timestamp',
    (now) => now.logTimeAheadSeconds,
  );
  gauge('log_size_bytes', 'Size of all segments', (now) => now.logSizeBytes);
  gauge('log_segments', 'Number of segments', (now) => now.logSegments);
  gauge('log_disk_full', '1 while the disk refuses writes for want of room', (now) => bit(now.diskFull));
  gauge(
    'log_damaged',
    '1 once a read has found damage in the log, until it is fetched again or the logger restarts',
    (now) => bit(now.logDamaged),
  );
  diskGauges(read, diskRoom);

  gauge('append_pending_requests', 'Appends that wait for their commit', (now) => now.pendingRequests);
  gauge('append_pending_bytes', 'Bytes of the appends that wait for their commit', (now) => now.pendingBytes);
  gauge('http_connections', 'Open connections of the HTTP API', (now) => now.connections);

  const follower = (name: string, help: string, value: (one: ObservedFollower) => number | null): void => {
    const some = (one: ObservedFollower): [string, number][] => {
      const now = value(one);
      return now === null ? [] : [[one.id, now]];
    };
    readEach(name, `${help}; only while leading`, 'follower', () => once().followers.flatMap(some));
  };
  follower('follower_connected', '1 while a follower is connected to this leader', (one) =>
    bit(one.connected),
  );
  follower(
    'follower_matched',
    '1 while the log of a follower is that of this leader, so that it counts',
    (one) => bit(one.matched),
  );
  follower(
    'follower_lag_records',
    'Records that a follower is behind the end of this leader',
    (one) => one.lagRecords,
  );
  follower(
    'follower_lag_bytes',
    'Bytes that a follower is behind, to within 4 KiB in the last segment',
    (one) => one.lagBytes,
  );
  follower(
    'follower_silent_seconds',
    'Since a follower last answered this leader in its epoch, if it ever has',
    (one) => one.silentSeconds,
  );
}

function diskGauges(read: Instruments['read'], diskRoom: () => Promise<DiskRoom>): void {
  const once = oncePerScrape(diskRoom);
  read(
    'log_disk_free_bytes',
    'Room left on the file system of the log, for an ordinary user',
    async () => (await once()).freeBytes,
  );
  read('log_disk_size_bytes', 'Size of the file system of the log', async () => (await once()).sizeBytes);
}

/** All gauges of a scrape begin to be read in one turn of the loop, so what one of them looked up serves the others. */
function oncePerScrape<T>(look: () => T): () => T {
  let seen: { readonly value: T } | null = null;
  return () => {
    if (seen === null) {
      seen = { value: look() };
      queueMicrotask(() => {
        seen = null;
      });
    }
    return seen.value;
  };
}
