// Ties what the parts report to the metrics, so that neither knows of the other.
import type { Logger as PinoLogger } from 'pino';
import type { ApiMetrics } from '../api/index.ts';
import type { CallReport, Election } from '../election/index.ts';
import type { Kubernetes, KubernetesHooks } from '../kubernetes/index.ts';
import type { Log } from '../log/index.ts';
import type { Metrics, Observed } from '../metrics.ts';
import type { WireMetrics } from '../replication/index.ts';
import type { Appends } from './appends.ts';
import type { ReplicatedLog } from './replicated-log.ts';

export interface ObservedParts {
  readonly log: Log;
  readonly replicated: ReplicatedLog;
  readonly appends: Appends;
  readonly kubernetes: Kubernetes;
  readonly election: Election;
}

/** What is true now, for a scrape. */
export function observe({ log, replicated, appends, kubernetes, election }: ObservedParts): Observed {
  const { role, members } = replicated;
  const leading = role.kind === 'leader';
  const label = kubernetes.label.state();
  const { requests, bytes } = appends.pending;
  return {
    isLeader: leading,
    hasLeader: leading || role.leader !== null,
    epoch: role.epoch,
    labelEnabled: label.enabled,
    labelInSync: label.inSync,
    consulReachable: election.reachable().reachable,
    sessionValid: replicated.session !== null,
    firstOffset: log.first,
    commitOffset: replicated.commit,
    endOffset: log.end,
    syncedOffset: log.syncedEnd,
    logSizeBytes: log.sizeBytes,
    logSegments: log.segmentCount,
    diskFull: log.full,
    pendingRequests: requests,
    pendingBytes: bytes,
    members: members.length,
    followers: leading ? members.filter((member) => member.role === 'follower') : [],
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

export const apiMetrics = (metrics: Metrics): ApiMetrics => ({
  onRequest({ route, method, status, seconds }) {
    metrics.requests.labels(route, method, String(status)).inc();
    metrics.requestDuration.labels(route, method).observe(seconds);
  },
  onAppend({ code, seconds }) {
    metrics.appends.labels(code).inc();
    if (code === 'ok') metrics.appendDuration.observe(seconds);
  },
  onReaders: (count) => metrics.readers.set(count),
});

export const wireMetrics = (metrics: Metrics): WireMetrics => ({
  traffic(peer, direction, frames, bytes) {
    metrics.peerFrames.labels(peer, direction).inc(frames);
    metrics.peerBytes.labels(peer, direction).inc(bytes);
  },
  connected: (peer) => metrics.peerConnects.labels(peer).inc(),
  disconnected: (peer, reason) => metrics.peerDisconnects.labels(peer, reason).inc(),
  roundTrip: (peer, ms) => metrics.peerRoundTrip.labels(peer).observe(ms / 1000),
});
