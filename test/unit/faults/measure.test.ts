import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppendCall } from '../../../src/verify/index.ts';
import { longestGap, measure } from '../../faults/measure.ts';

let calls = 0;
const append = (end: number, given: Partial<AppendCall> = {}): string =>
  JSON.stringify({
    type: 'append',
    process: 'p/producer-0',
    call: calls++,
    start: end - 1,
    end,
    outcome: 'ok',
    values: ['v'],
    producer: '7',
    ...given,
  } satisfies AppendCall);

async function* lines(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

const span = (sinceMs: number, untilMs = Number.POSITIVE_INFINITY) => ({ sinceMs, untilMs });

test('the longest time between two acknowledgements counts when it ends after the fault, whatever their order', () => {
  assert.deepEqual(longestGap([1000, 100, 1400, 1300], span(1200)), { ms: 300, fromMs: 1000 });
  assert.deepEqual(longestGap([100, 1000], span(1200)), { ms: 0, fromMs: 1200 });
});

test('it counts, whole, when it began before all was whole again, and not when it began after that', () => {
  assert.deepEqual(longestGap([1000, 1300, 2300], span(1200, 1301)), { ms: 1000, fromMs: 1300 });
  assert.deepEqual(longestGap([1000, 1300, 2300], span(1200, 1300)), { ms: 300, fromMs: 1000 });
});

test('each producer has a gap of its own, and the longest of them is told', async () => {
  const other = { process: 'p/producer-1' };
  const history = lines(append(0), append(0, other), append(10), append(90), append(60, other), append(100));
  const { gapMs, gapFromMs, acknowledged } = await measure(history, span(5));
  assert.deepEqual({ gapMs, gapFromMs, acknowledged }, { gapMs: 80, gapFromMs: 10, acknowledged: 6 });
});

test('what the client gave up after the fault is counted by its code; appenders show what the Service alone gives', async () => {
  const { producer: _, ...plain } = JSON.parse(append(0)) as AppendCall;
  const appender = (end: number, outcome: 'ok' | 'refused') =>
    JSON.stringify({ ...plain, process: 'p/appender-0', end, outcome, code: 'connect-failed' });
  const history = lines(
    append(1, { outcome: 'unknown', code: 'aborted' }),
    append(20, { outcome: 'unknown', code: 'aborted' }),
    append(21, { outcome: 'refused', code: 'aborted' }),
    append(22),
    appender(10, 'ok'),
    appender(15, 'refused'),
    appender(40, 'ok'),
    '{"type":"read","cut off',
  );
  const { failed, plainGapMs, acknowledged } = await measure(history, span(5));
  assert.deepEqual(
    { failed, plainGapMs, acknowledged },
    { failed: { aborted: 2 }, plainGapMs: 30, acknowledged: 1 },
  );
});
