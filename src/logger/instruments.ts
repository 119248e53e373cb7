// Ties what the parts report to the metrics, so that neither knows of the other.
import { statfs } from 'node:fs/promises';
import type { Logger as PinoLogger } from 'pino';
import type { Api, ApiMetrics } from '../api/index.ts';
import type { CallReport, Election } from '../election/index.ts';
import type { Kubernetes, KubernetesHooks } from '../kubernetes/index.ts';
import type { DurableLog } from '../log/index.ts';
import type { DiskRoom, Metrics, Observed, ObservedFollower } from '../metrics.ts';
import type { WireMetrics } from '../replication/index.ts';
import type { Appends } from './appends.ts';
import type { Recovered } from './data-directory.ts';
import {
  commitStalledMs,
  type FollowerState,
  followerStates,
  type ReplicationDriver,
} from './driver/index.ts';

export interface ObservedParts {
  readonly log: DurableLog;
  readonly replicated: ReplicationDriver;
  readonly appends: Appends;
  readonly kubernetes: Kubernetes;
  readonly election: Election;
  readonly api: Api;
  /** In the clock of `replicated`. */
  readonly nowMs: number;
}

/** What is true now, for a scrape. */
export function observe({
  log,
  replicated,
  appends,
  kubernetes,
  election,
  api,
  nowMs,
}: ObservedParts): Observed {
  const { role, members, state, time } = replicated;
  const leading = role.kind === 'leader';
  const { requests, bytes } = appends.pending;
  return {
    isLeader: leading,
    hasLeader: leading || role.leader !== null,
    isMember: members.some(({ uid }) => uid === log.uid),
    epoch: role.epoch,
    promisedEpoch: state.durable.promisedEpoch,
    label: kubernetes.label.state(),
    kubernetesReachable: kubernetes.reachable,
    consulReachable: election.reachable().reachable,
    registerReadable: election.registerReadable,
    sessionValid: replicated.session !== null,
    firstOffset: log.first,
    commitOffset: replicated.commit,
    endOffset: log.end,
    syncedOffset: log.syncedEnd,
    commitStalledSeconds: commitStalledMs(state, nowMs) / 1000,
    clockOffsetSeconds: time.clockAheadMs === null ? null : time.clockAheadMs / 1000,
    logTimeAheadSeconds: time.logAheadMs / 1000,
    logSizeBytes: log.sizeBytes,
    logSegments: log.segmentCount,
    diskFull: log.full,
    logDamaged: log.damage !== null,
    pendingRequests: requests,
    pendingBytes: bytes,
    connections: api.connections,
    members: members.length,
    followers: leading ? followerStates(state).map((follower) => observeFollower(follower, log, nowMs)) : [],
  };
}

function observeFollower(follower: FollowerState, log: DurableLog, nowMs: number): ObservedFollower {
  const { id, connected, matched, end, heardMs } = follower;
  return {
    id,
    connected,
    matched,
    lagRecords: end === null ? null : Math.max(0, log.end - end),
    lagBytes: end === null ? null : log.bytesFrom(end),
    silentSeconds: heardMs === null ? null : Math.max(0, nowMs - heardMs) / 1000,
  };
}

/** The room is left out of a scrape, rather than that it fails, when the file system does not tell. */
export async function diskRoomAt(directory: string): Promise<DiskRoom> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch {
    return { freeBytes: Number.NaN, sizeBytes: Number.NaN };
  }
}

export const onRecovered =
  ({ recoveryDuration, tornBytes, quarantines }: Metrics) =>
  (recovered: Recovered): void => {
    recoveryDuration.set(recovered.seconds);
    tornBytes.set(recovered.tornBytes);
    quarantines.set(recovered.quarantines);
  };

/** What `make` makes of a key, made once and kept: finding a metric by its labels costs more than counting. */
function kept<Made>(make: (key: string) => Made): (key: string) => Made {
  const all = new Map<string, Made>();
  return (key) => {
    let made = all.get(key);
    if (made === undefined) {
      made = make(key);
      all.set(key, made);
    }
    return made;
  };
}

export const onConsulCall =
  (metrics: Metrics) =>
  ({ operation, ok, seconds }: CallReport): void => {
    const result = ok ? 'ok' : 'error';
    metrics.consulRequests.labels(operation, result).inc();
    if (operation === 'session_renew') metrics.sessionRenewals.labels(result).inc();
    // A blocking query lasts as long as nothing changes: its duration says nothing.
    if (operation !== 'register_watch') metrics.consulRequestDuration.labels(operation).observe(seconds);
  };

export const kubernetesHooks = (metrics: Metrics, out: PinoLogger): KubernetesHooks => ({
  onCall({ operation, result, seconds }) {
    metrics.kubernetesRequests.labels(operation, result).inc();
    metrics.kubernetesRequestDuration.labels(operation).observe(seconds);
  },
  onPatch({ result, seconds }) {
    metrics.labelPatches.labels(result).inc();
    metrics.labelPatchDuration.observe(seconds);
  },
  onSync(inSync) {
    if (inSync) out.info('The pod label is as it should be');
  },
  onError(error) {
    if (error === null) out.info('The Kubernetes API answers again');
    else out.warn(`The pod label cannot be kept: ${error}`);
  },
});

export function apiMetrics(metrics: Metrics): ApiMetrics {
  const requests = kept((key) => metrics.requests.cell(...key.split(' ')));
  const durations = kept((key) => {
    const [route = '', method = ''] = key.split(' ');
    return metrics.requestDuration.cell(route, method);
  });
  const appends = kept((code) => metrics.appends.cell(code));
  return {
    // Neither a route's pattern nor a method has a space in it.
    onRequest({ route, method, status, seconds }) {
      const what = `${route} ${method}`;
      requests(`${what} ${status}`).sum += 1;
      durations(what).observe(seconds);
    },
    onAppend({ code, seconds, records }) {
      appends(code).sum += 1;
      if (code !== 'ok') return;
      metrics.appendDuration.observe(seconds);
      metrics.appendRecords.observe(records);
    },
    onReaders: (count) => metrics.readers.set(count),
    onSlowReader: () => metrics.slowReaders.inc(),
    onTlsFailure: () => metrics.tlsHandshakeFailures.labels('api').inc(),
  };
}

export function wireMetrics(metrics: Metrics): WireMetrics {
  const both = (peer: string, direction: string) => ({
    frames: metrics.peerFrames.cell(peer, direction),
    bytes: metrics.peerBytes.cell(peer, direction),
  });
  const traffic = kept((peer) => ({ in: both(peer, 'in'), out: both(peer, 'out') }));
  return {
    traffic(peer, direction, frameCount, byteCount) {
      const { frames, bytes } = traffic(peer)[direction];
      frames.sum += frameCount;
      bytes.sum += byteCount;
    },
    connected(peer) {
      metrics.peerConnects.labels(peer).inc();
      metrics.peerConnected.labels(peer).set(1);
      metrics.peerHeartbeatsMissed.labels(peer).inc(0);
    },
    disconnected(peer, reason) {
      metrics.peerDisconnects.labels(peer, reason).inc();
      metrics.peerConnected.labels(peer).set(0);
    },
    tlsFailed: () => metrics.tlsHandshakeFailures.labels('peer').inc(),
    beatsMissed: (peer, count) => metrics.peerHeartbeatsMissed.labels(peer).inc(count),
    roundTrip: (peer, ms) => metrics.peerRoundTrip.labels(peer).observe(ms / 1000),
  };
}
