// How long a whole cluster takes to serve again with a long log, after a clean stop and after SIGKILL of all.
import { Producer } from '../../src/client/index.ts';
import { fill, restarted, type Started } from './long-log.ts';
import { round } from './numbers.ts';
import { Payload } from './payload.ts';
import { type ReadBack, readBack } from './read-back.ts';
import { Rig } from './rig.ts';

const RECORD_BYTES = 1024;
const RECORDS_PER_MEBIBYTE = (1024 * 1024) / RECORD_BYTES;

export interface RecoveryResult {
  readonly work: 'recovery';
  readonly mebibytes: number;
  readonly fillSeconds: number;
  readonly afterStop: Started;
  readonly afterKill: Started;
  readonly readBack: ReadBack;
}

export async function recovery({ mebibytes }: { mebibytes: number }): Promise<RecoveryResult> {
  await using rig = await Rig.start({});
  const payload = new Payload(RECORD_BYTES);
  const producer = new Producer({ ...(await rig.clientOptions()), maxQueuedRecords: 100_000 });
  const startedMs = performance.now();
  await fill(producer, payload, mebibytes * RECORDS_PER_MEBIBYTE);
  const fillSeconds = round((performance.now() - startedMs) / 1000, 1);
  const afterStop = await restarted(rig, producer, payload, 'SIGTERM');
  const afterKill = await restarted(rig, producer, payload, 'SIGKILL');
  await producer.close();
  const client = await rig.followerClient();
  const checked = await readBack(client, payload.count, RECORD_BYTES);
  await client.close();
  return { work: 'recovery', mebibytes, fillSeconds, afterStop, afterKill, readBack: checked };
}
