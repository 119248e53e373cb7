// The public face of the driver.
export { ReplicationDriver } from './driver.ts';
export type { ElectionSteps } from './election-watch.ts';
export type { Clock, DriverOptions, MembersChange } from './outside.ts';
export { commitStalledMs, type FollowerState, followerStates } from './status.ts';
