#!/usr/bin/env bash
# Guess:     A Kafka client gives each record of a batch that is marked LogAppendTime the batch's maxTimestamp, which the broker
#            set, and not what the producer's clock said.
# Package:   @platformatic/kafka 2.12.1 (npm), on Node 24.21.0 (npm package `node`); beside it kafkajs 2.2.4.
# Source:    Kafka's message format: bit 3 of a batch's attributes is the timestamp type. A broker with
#            message.timestamp.type=LogAppendTime rewrites attributes, maxTimestamp and CRC only and leaves baseTimestamp
#            and the deltas (Java's DefaultRecordBatch.setMaxTimestamp), so a reader has to look at the bit; Java's
#            DefaultRecord.readFrom does.
# Behaviour: The consumer's stream adds baseTimestamp and delta whatever the bit says: the producer's times come back, with
#            nothing that tells so. kafkajs reads the broker's time from the same bytes. (No broker runs: the consumer's `fetch`
#            and what it asks a broker for are replaced; what decodes the batch and makes messages of it is the package's.)
# Seen:      platformatic: 1000 1007; kafkajs: 9999 9999
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{ "private": true, "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --engine-strict=false node@24.21.0 @platformatic/kafka@2.12.1 kafkajs@2.2.4

cat > read.js <<'JS'
import { createRequire } from 'node:module';
import { Consumer, crc32c, createRecordsBatch, MessagesStream, Reader, readRecordsBatches } from '@platformatic/kafka';

// As the producer sends it, and then as the broker stores it: attributes at byte 21, maxTimestamp at 35, CRC at 17.
const batch = Buffer.from(
  createRecordsBatch([
    { topic: 't', value: Buffer.from('one'), timestamp: 1000n },
    { topic: 't', value: Buffer.from('two'), timestamp: 1007n },
  ]).buffer,
);
batch.writeInt16BE(batch.readInt16BE(21) | 0x08, 21);
batch.writeBigInt64BE(9999n, 35);
batch.writeUInt32BE(crc32c(batch.subarray(21)) >>> 0, 17);

const id = '00000000-0000-0000-0000-000000000001';
const consumer = new Consumer({ groupId: 'g', clientId: 'c', bootstrapBrokers: ['127.0.0.1:1'] });
consumer.isActive = () => true;
consumer.assignments = [{ topic: 't', partitions: [0] }];
consumer.metadata = (_options, done) =>
  done(null, { brokers: new Map(), topics: new Map([['t', { id, partitions: [{ leader: 1, leaderEpoch: 0 }] }]]) });
consumer.listOffsets = (_options, done) => done(null, new Map([['t', [0n]]]));
let fetches = 0;
consumer.fetch = (_options, done) => {
  if (fetches++ > 0) return;
  const partition = { partitionIndex: 0, errorCode: 0, records: readRecordsBatches(Reader.from(batch)) };
  setImmediate(done, null, { errorCode: 0, responses: [{ topicId: id, partitions: [partition] }] });
};
const offsets = [{ topic: 't', partition: 0, offset: 0n }];
const platformatic = [];
for await (const { timestamp } of new MessagesStream(consumer, { topics: ['t'], mode: 'manual', offsets })) {
  platformatic.push(timestamp);
  if (platformatic.length === 2) break;
}

const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder');
const { records } = await require('kafkajs/src/protocol/recordBatch/v0/decoder')(new Decoder(batch));
const kafkajs = records.map(({ timestamp }) => timestamp);
console.log(`platformatic: ${platformatic.join(' ')}; kafkajs: ${kafkajs.join(' ')}`);
process.exit();
JS
seen=$(timeout 60 node_modules/.bin/node read.js)
echo "$seen"
[ "$seen" = 'platformatic: 1000 1007; kafkajs: 9999 9999' ]
