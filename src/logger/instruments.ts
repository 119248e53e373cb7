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
  const { role, members, state } = replicated;
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
    sessionValid: replicated.session !== null,
    firstOffset: log.first,
    commitOffset: replicated.commit,
    endOffset: log.end,
    syncedOffset: log.syncedEnd,
    commitStalledSeconds: commitStalledMs(state, nowMs) / 1000,
    logSizeBytes: log.sizeBytes,
    logSegments: log.segmentCount,
    diskFull: log.full,
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

/** Finding a metric by its labels costs more than counting: each is looked up once and kept. */
function kept<Child>(find: (...labels: string[]) => Child): (...labels: string[]) => Child {
  const children = new Map<string, Child>();
  return (...labels) => {
    const key = labels.join('\n');
    let child = children.get(key);
    if (child === undefined) {
      child = find(...labels);
      children.set(key, child);
    }
    return child;
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
  const requests = kept((...labels) => metrics.requests.labels(...labels));
  const durations = kept((...labels) => metrics.requestDuration.labels(...labels));
  const appends = kept((code = '') => metrics.appends.labels(code));
  return {
    onRequest({ route, method, status, seconds }) {
      requests(route, method, String(status)).inc();
      durations(route, method).observe(seconds);
    },
    onAppend({ code, seconds, records }) {
      appends(code).inc();
      if (code !== 'ok') return;
      metrics.appendDuration.observe(seconds);
      metrics.appendRecords.observe(records);
    },
    onReaders: (count) => metrics.readers.set(count),
  };
}

export function wireMetrics(metrics: Metrics): WireMetrics {
  const frames = kept((...labels) => metrics.peerFrames.labels(...labels));
  const bytes = kept((...labels) => metrics.peerBytes.labels(...labels));
  return {
    traffic(peer, direction, frameCount, byteCount) {
      frames(peer, direction).inc(frameCount);
      bytes(peer, direction).inc(byteCount);
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
    beatsMissed: (peer, count) => metrics.peerHeartbeatsMissed.labels(peer).inc(count),
    roundTrip: (peer, ms) => metrics.peerRoundTrip.labels(peer).observe(ms / 1000),
  };
}
