// Histories of a log: their format, the checker and the workload that records them (docs/reference/verify.md).
export { ANOMALIES, type Anomaly, type AnomalyKind, type Evidence } from './anomalies.ts';
export * from './history.ts';
export { type LiveOptions, verifyLive } from './live.ts';
export { load } from './load/load.ts';
export type { LoadOptions, LoggerAccess } from './load/options.ts';
export { fileSink, type Sink } from './load/recorder.ts';
export { HistoryError } from './parse.ts';
export { reportText } from './report.ts';
export { type Report, type VerifyOptions, verifyFiles } from './verify.ts';
