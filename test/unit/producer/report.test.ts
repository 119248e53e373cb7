import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { ClientError } from '../../../src/client/index.ts';
import { createProducerMetrics } from '../../../src/producer/metrics.ts';
import { Numbering } from '../../../src/producer/numbering.ts';
import { Report } from '../../../src/producer/report.ts';

function report(rate: number) {
  const lines: Record<string, unknown>[] = [];
  const clock = { now: 0 };
  const out = pino(
    { base: null, timestamp: false },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  const metrics = createProducerMetrics({ version: '1', node: 'v24' });
  const subject = new Report({
    out,
    metrics,
    numbering: new Numbering('Message: %d'),
    rate,
    now: () => clock.now,
  });
  return { subject, lines, clock, metrics };
}

const info = 30;
const warn = 40;

test('at a slow rate each message has a line with offset, attempts and milliseconds', () => {
  const { subject, lines, clock } = report(5);
  subject.acknowledged(1, { offset: 6, count: 1, epoch: 1, attempts: 1 });
  subject.sending(1, 1);
  clock.now = 2.25;
  subject.acknowledged(2, { offset: 7, count: 1, epoch: 1, attempts: 3 });
  assert.deepEqual(lines, [
    { level: info, offset: 6, attempts: 1, ms: 0, count: 1, msg: 'Sent Message: 1' },
    { level: info, offset: 7, attempts: 3, ms: 2.3, count: 1, msg: 'Sent Message: 2' },
  ]);
});

test('at a fast rate there is one line a second, and the end tells what was held back', () => {
  const { subject, lines, clock } = report(0);
  for (let batch = 0; batch < 30; batch++) {
    clock.now = batch * 100;
    subject.acknowledged(1 + batch * 10, { offset: batch * 10, count: 10, epoch: 1, attempts: 1 });
  }
  subject.end();
  subject.end();
  assert.deepEqual(
    lines.map(({ msg, count }) => [msg, count]),
    [
      ['Sent Message: 1 to Message: 10', 10],
      ['Sent Message: 11 to Message: 110', 100],
      ['Sent Message: 111 to Message: 210', 100],
      ['Sent Message: 211 to Message: 300', 90],
    ],
  );
});

test('retries are warned of once a second at most, and all counted', async () => {
  const { subject, lines, clock, metrics } = report(5);
  for (let attempt = 1; attempt <= 25; attempt++) {
    clock.now = attempt * 50;
    subject.retry({ reason: 'no-leader', detail: 'none', url: 'http://a', attempt });
  }
  assert.deepEqual(
    lines.map(({ level, held }) => [level, held]),
    [
      [warn, undefined],
      [warn, 19],
    ],
  );
  assert.match(await metrics.registry.metrics(), /producer_retries_total\{reason="no-leader"\} 25/);
});

test('a producer is stuck when nothing was acknowledged for ten seconds', () => {
  const { subject, clock } = report(5);
  clock.now = 9_999;
  assert.equal(subject.stuck, null);
  clock.now = 12_000;
  assert.match(subject.stuck ?? '', /12 s/);
  subject.acknowledged(1, { offset: 0, count: 1, epoch: 1, attempts: 1 });
  clock.now = 100_000;
  assert.equal(subject.stuck, null);
  subject.sending(1, 1);
  clock.now = 110_000;
  assert.ok(subject.stuck);
});

test('metrics count messages and remember the last number', async () => {
  const { subject, metrics } = report(5);
  subject.acknowledged(1, { offset: 0, count: 7, epoch: 1, attempts: 1 });
  const text = await metrics.registry.metrics();
  assert.match(text, /^distributed_logger_producer_acknowledged_total 7$/m);
  assert.match(text, /^distributed_logger_producer_last_acknowledged_number 7$/m);
  assert.match(text, /^distributed_logger_producer_acknowledgement_duration_seconds_count 1$/m);
  assert.match(text, /^distributed_logger_build_info\{version="1",node="v24"\} 1$/m);
  assert.match(text, /^process_cpu_seconds_total /m);
});

test('metrics show what is on its way, and count what failed for good', async () => {
  const { subject, metrics } = report(5);
  const shown = async (): Promise<string> =>
    /^distributed_logger_producer_unacknowledged \d+$/m.exec(await metrics.registry.metrics())?.[0] ?? '';
  subject.sending(1, 7);
  assert.match(await shown(), / 7$/);
  subject.failed(new ClientError('record-too-large', 'too large', { outcome: 'refused' }));
  assert.match(await shown(), / 7$/);
  subject.acknowledged(1, { offset: 0, count: 7, epoch: 1, attempts: 1 });
  assert.match(await shown(), / 0$/);
  const text = await metrics.registry.metrics();
  assert.match(text, /^distributed_logger_producer_failures_total\{code="record-too-large"\} 1$/m);
});
