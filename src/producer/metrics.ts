// Every metric of the producer, in one place. The documented table (docs/reference/metrics.md) is compared with this file by
// a test.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'distributed_logger_';
/** In seconds: an acknowledgement takes a round trip and an fsync, or as long as a failover. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type ProducerMetrics = ReturnType<typeof createProducerMetrics>;

export function createProducerMetrics(build: { version: string; node: string }) {
  const registry = new Registry();
  const registers = [registry];
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
    acknowledged: new Counter({
      name: `${PREFIX}producer_acknowledged_total`,
      help: 'Messages acknowledged',
      registers,
    }),
    retries: new Counter({
      name: `${PREFIX}producer_retries_total`,
      help: 'Attempts that failed and were made again',
      labelNames: ['reason'] as const,
      registers,
    }),
    acknowledgementDuration: new Histogram({
      name: `${PREFIX}producer_acknowledgement_duration_seconds`,
      help: 'From the first attempt to send until the acknowledgement, retries included',
      buckets: BUCKETS_SECONDS,
      registers,
    }),
    lastNumber: new Gauge({
      name: `${PREFIX}producer_last_acknowledged_number`,
      help: 'Number of the last message acknowledged',
      registers,
    }),
  };
}
