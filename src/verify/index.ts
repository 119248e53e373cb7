// Histories of a log: their format, the checker and the workload that records them (docs/reference/verify.md).
export * from './history.ts';
