// The HTTP API of a logger. See docs/reference/api.md for what it answers.
export type { Access } from './access.ts';
export type { ApiLimits } from './bounds.ts';
export type { ApiMetrics, AppendCode } from './context.ts';
export { knownHosts } from './request-head.ts';
export { type Api, createApi } from './server.ts';
export type {
  AppendRefusal,
  AppendResult,
  LeaderAddress,
  LeadershipEpoch,
  LoggerService,
  MemberStatus,
  Membership,
  OfferedBatch,
  ReadResult,
  Stats,
  StatsSample,
  Status,
} from './types.ts';
