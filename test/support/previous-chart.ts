// The chart's previous version as it was packaged, kept in the repository: a shallow clone has no history to take it from. With
// a new version of the chart, the file is replaced by `helm package` of the one before.
import { fileURLToPath } from 'node:url';

export const PREVIOUS_CHART = fileURLToPath(
  new URL('../e2e/previous-chart/distributed-logger-0.1.0.tgz', import.meta.url),
);
