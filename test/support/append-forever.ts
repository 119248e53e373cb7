// Appends to the log in a directory until it is killed, and says on stdout how far it was synced: "7 synced". Records are
// the numbers of their offsets. Run by test/unit/log/sigkill.test.ts.
import { randomUUID } from 'node:crypto';
import { encodeBatch, NodeDisk, openLog, stampBatch } from '../../src/log/index.ts';

const [directory = ''] = process.argv.slice(2);
const { log, state, recovered } = await openLog({
  disk: new NodeDisk(),
  directory,
  randomUuid: randomUUID,
  onFatal: (error) => {
    throw error;
  },
  waitForRoom: (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  segmentSizeBytes: 256 * 1024,
});
if (recovered.quarantine) throw new Error(recovered.quarantine.reason);
const epoch = log.position.epoch + 1;
await state.save({ ...state.value, promisedEpoch: epoch, promisedIncarnation: 'appender' });
await log.addPair({ epoch, start: log.end });

for (let group = 0; ; group += 1) {
  for (let index = 0; index <= group % 40; index += 1) {
    const values = Array.from({ length: 1 + (index % 3) }, (_, at) => ({
      value: Buffer.from(`${log.end + at}`.padEnd(100)),
    }));
    const batch = encodeBatch(values, { timestampMs: log.lastTimestampMs + 1, producer: null });
    stampBatch(batch, log.end, epoch);
    log.append([batch]);
  }
  const { end } = await log.sync();
  if (group % 50 === 0) await log.saveMark();
  process.stdout.write(`${end} synced\n`);
}
