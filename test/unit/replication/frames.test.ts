import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PAYLOAD_BYTES_MAX } from '../../../src/limits.ts';
import { encodeBatch } from '../../../src/log/index.ts';
import type { Message } from '../../../src/replica/index.ts';
import { encodeFrame, type Frame, FrameReader, MalformedFrame } from '../../../src/replication/frames.ts';
import { HELLO_BYTES_MAX } from '../../../src/replication/limits.ts';
import { decodeMessage, encodeMessage } from '../../../src/replication/messages.ts';
import { Random } from '../../support/random.ts';
import { EXAMPLES } from './examples.ts';

const bytesOf = (message: Message): Buffer => {
  const { header, payload, payloadCrc } = encodeMessage(message);
  return Buffer.concat(encodeFrame(header, payload, payloadCrc));
};

function trusted(): FrameReader {
  const reader = new FrameReader();
  reader.trust();
  return reader;
}

/** The frames of a stream that arrives in the given pieces. */
function read(pieces: readonly Buffer[], reader = trusted()): Frame[] {
  return pieces.flatMap((piece) => [...reader.read(piece)]);
}

function pieces(bytes: Buffer, random: Random): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(random.chance(0.5) ? 8 : 400);
    cut.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return cut;
}

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

describe('frames', () => {
  it('of every message come back as they were, however the stream is cut', () => {
    const random = new Random(SEED);
    const stream = Buffer.concat(EXAMPLES.map(bytesOf));
    for (let round = 0; round < 200; round += 1) {
      const frames = read(pieces(stream, random));
      const messages = frames.map(({ header, payload }) => decodeMessage(header, payload));
      assert.deepEqual(messages, EXAMPLES, `SEED=${SEED}`);
    }
  });

  it('are views of what came in one piece, and one allocation for what came in several', () => {
    const payload = Buffer.alloc(100_000, 7);
    const bytes = Buffer.concat(encodeFrame({ type: 'x' }, [payload]));
    const [whole] = read([bytes]);
    assert.equal(whole?.payload.buffer, bytes.buffer);
    const [assembled] = read([bytes.subarray(0, 50_000), bytes.subarray(50_000)]);
    assert.deepEqual(assembled?.payload, payload);
    assert.equal(assembled?.payload.buffer.byteLength, payload.length);
  });

  it('pass payload on by reference', () => {
    const payload = [Buffer.from('one'), Buffer.from('two')];
    const [, ...parts] = encodeFrame({ type: 'x' }, payload);
    assert.equal(parts[0], payload[0]);
    assert.equal(parts[1], payload[1]);
  });

  it('carry on the CRC of a batch, so that one damaged since it was made is noticed', () => {
    const batch = encodeBatch([{ value: Buffer.alloc(10_000, 7) }], { timestampMs: 1, producer: null });
    const position = { epoch: 7, stream: 1, from: 0, end: 1, commit: 0, first: 0 };
    const message: Message = { type: 'batches', ...position, batches: [batch] };
    const { header, payload, payloadCrc } = encodeMessage(message);
    const frame = Buffer.concat(encodeFrame(header, payload, payloadCrc));
    assert.deepEqual(frame, Buffer.concat(encodeFrame(header, payload)));
    assert.deepEqual(read([frame])[0]?.payload, batch);
    batch[5_000] = 8;
    const late = encodeMessage(message);
    const damaged = Buffer.concat(encodeFrame(late.header, late.payload, late.payloadCrc));
    assert.throws(() => read([damaged]), MalformedFrame);
  });

  it('are small until the other side is trusted', () => {
    const header = { text: 'x'.repeat(HELLO_BYTES_MAX) };
    assert.throws(() => read([Buffer.concat(encodeFrame(header))], new FrameReader()), MalformedFrame);
    const withPayload = Buffer.concat(encodeFrame({}, [Buffer.alloc(1)]));
    assert.throws(() => read([withPayload], new FrameReader()), MalformedFrame);
    assert.equal(read([withPayload]).length, 1);
  });

  it('that are too large are neither sent nor made room for', () => {
    const half = Buffer.alloc(PAYLOAD_BYTES_MAX / 2 + 1);
    assert.throws(() => encodeFrame({}, [half, half]), RangeError);
    const prefix = Buffer.alloc(16);
    prefix.writeUInt32BE(0xffff_fff0, 0);
    assert.throws(() => read([prefix]), MalformedFrame);
  });

  it('with any one bit changed are found out, or wait for bytes that never come', () => {
    const bytes = bytesOf(EXAMPLES.find(({ type }) => type === 'batches')!);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      let frames: Frame[] = [];
      try {
        frames = read([damaged]);
      } catch (error) {
        assert.ok(error instanceof MalformedFrame, `bit ${bit}: ${error}`);
      }
      assert.equal(frames.length, 0, `bit ${bit} was not found out`);
    }
  });

  it('of nonsense are malformed or incomplete, never anything else', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 5000; round += 1) {
      const bytes = random.chance(0.5) ? random.bytes(random.below(200)) : damage(random);
      try {
        for (const { header, payload } of read(pieces(bytes, random))) decodeMessage(header, payload);
      } catch (error) {
        assert.ok(error instanceof MalformedFrame, `SEED=${SEED} round ${round}: ${error}`);
      }
    }
  });
});

/** A good stream with bytes changed, left out or repeated. */
function damage(random: Random): Buffer {
  const bytes = Buffer.concat([bytesOf(random.pick(EXAMPLES)), bytesOf(random.pick(EXAMPLES))]);
  const at = random.below(bytes.length);
  switch (random.below(3)) {
    case 0:
      bytes[at] = random.below(256);
      return bytes;
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))]);
  }
}
