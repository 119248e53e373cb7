// The public face of the driver.
export { ReplicationDriver } from './driver.ts';
export type { Clock, DriverOptions } from './outside.ts';
