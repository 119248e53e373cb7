// Every metric of the producer, in one place. The documented table (docs/reference/metrics.md) is compared with this file by
// a test.
import type { RetryReason } from '../client/index.ts';
import { LOGGER_ERRORS } from '../errors.ts';
import { type Build, beginAtZero, createInstruments } from '../metrics/base.ts';

/** In seconds: an acknowledgement takes a round trip and an fsync, or as long as a failover. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Known before, so that their counters begin at 0 and the first one shows. */
const RETRY_REASONS: readonly RetryReason[] = [
  ...LOGGER_ERRORS,
  'connect-failed',
  'connection-lost',
  'timeout',
  'superseded',
  'redirect-loop',
  'bad-answer',
  'leader-unknown',
  'consul-failed',
];

export type ProducerMetrics = ReturnType<typeof createProducerMetrics>;

export function createProducerMetrics(build: Build) {
  const { registry, counter, gauge, histogram } = createInstruments(build);
  return {
    registry,
    acknowledged: counter('producer_acknowledged_total', 'Messages acknowledged'),
    unacknowledged: gauge('producer_unacknowledged', 'Messages on their way: sent, and not acknowledged yet'),
    retries: beginAtZero(
      counter('producer_retries_total', 'Attempts that failed and were made again', ['reason']),
      RETRY_REASONS,
    ),
    failures: counter('producer_failures_total', 'Sends that failed for good, and were begun anew', ['code']),
    acknowledgementDuration: histogram(
      'producer_acknowledgement_duration_seconds',
      'From the first attempt to send until the acknowledgement, retries included',
      [],
      BUCKETS_SECONDS,
    ),
    lastNumber: gauge('producer_last_acknowledged_number', 'Number of the last message acknowledged'),
  };
}
