// The TypeScript client of distributed-logger: `LogClient` reads and administers a log, `Producer` writes to it exactly once.
export { ClientError, type ClientErrorCode, endsProducerEpoch, type RetryReason } from './errors.ts';
export { type FollowOptions, LogClient, type ReadOptions, type Transfer } from './log-client.ts';
export { Producer, type ProducerOptions, type Resumed } from './producer.ts';
export type {
  Acknowledgement,
  ClientOptions,
  ConsulOptions,
  Dial,
  ReadRecord,
  ReadResult,
  RecordToSend,
  Retry,
  Sendable,
} from './types.ts';
