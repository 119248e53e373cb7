// Forged histories: one for each kind of anomaly, found as that and shown by the right lines, and its nearest neighbour that is
// right, found right. Line 1 is the header; `shows` are the lines of the evidence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANOMALIES, type AnomalyKind, type HistoryLine } from '../../../src/verify/index.ts';
import { final, LOGGER, OTHER, ok, read, refused, rows, unknown, verify } from '../../support/history.ts';

interface Case {
  readonly name: string;
  readonly kind: AnomalyKind;
  readonly shows: readonly number[];
  readonly says: RegExp;
  readonly wrong: readonly HistoryLine[];
  readonly right: readonly HistoryLine[];
}

const END = [900, 910] as const;
const linearizable = { consistency: 'linearizable', process: 'l' } as const;

const CASES: readonly Case[] = [
  {
    name: 'an acknowledged record beyond the end of the log',
    kind: 'lost',
    shows: [3, 5],
    says: /"p:2" was acknowledged at 1, and no read has it/,
    wrong: [ok('p:1', 0, [10, 20]), ok('p:2', 1, [30, 40]), ...final(rows(0, 'p:1'), END)],
    right: [ok('p:1', 0, [10, 20]), ok('p:2', 1, [30, 40]), ...final(rows(0, 'p:1', 'p:2'), END)],
  },
  {
    name: 'an acknowledged record whose offset has another one',
    kind: 'lost',
    shows: [2, 4],
    says: /"p:1" was acknowledged at 0, where "q:1" is; it is nowhere/,
    wrong: [ok('p:1', 0, [10, 20]), unknown('q:1', [10, 20]), ...final(rows(0, 'q:1'), END)],
    right: [ok('p:1', 0, [10, 20]), unknown('q:1', [10, 20]), ...final(rows(0, 'p:1'), END)],
  },
  {
    name: 'a logger that lacks at the end what another one has',
    kind: 'lost',
    shows: [3, 7],
    says: /http:\/\/b:1 has records up to 0 at the end, and 1 was known before/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      ok('p:2', 1, [30, 40]),
      ...final(rows(0, 'p:1', 'p:2'), END),
      ...final(rows(0, 'p:1'), END, OTHER),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      ok('p:2', 1, [30, 40]),
      ...final(rows(0, 'p:1', 'p:2'), END),
      ...final(rows(0, 'p:1', 'p:2'), END, OTHER),
    ],
  },
  {
    name: 'a record that was read, never acknowledged, and is gone in the end',
    kind: 'lost',
    shows: [4, 6],
    says: /has records up to 0 at the end, and 1 was known before/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      unknown('q:1', [10, 20]),
      read(rows(0, 'p:1', 'q:1'), [30, 40]),
      ...final(rows(0, 'p:1'), END, OTHER),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      unknown('q:1', [10, 20]),
      read(rows(0, 'p:1'), [30, 40]),
      ...final(rows(0, 'p:1'), END, OTHER),
    ],
  },
  {
    name: 'an acknowledgement with another offset than the record has',
    kind: 'wrong-offset',
    shows: [2, 4],
    says: /"p:1" was acknowledged at 1, and is at 0/,
    wrong: [ok('p:1', 1, [10, 20]), unknown('q:1', [10, 20]), ...final(rows(0, 'p:1', 'q:1'), END)],
    right: [ok('p:1', 0, [10, 20]), unknown('q:1', [10, 20]), ...final(rows(0, 'p:1', 'q:1'), END)],
  },
  {
    name: 'an acknowledgement with another epoch than the record has',
    kind: 'wrong-epoch',
    shows: [2, 3],
    says: /acknowledged with epoch 2, and was read with 1/,
    wrong: [ok('p:1', 0, [10, 20], { epoch: 2 }), ...final(rows(0, 'p:1'), END)],
    right: [ok('p:1', 0, [10, 20], { epoch: 1 }), ...final(rows(0, 'p:1'), END)],
  },
  {
    name: 'an acknowledgement of fewer records than were sent',
    kind: 'bad-acknowledgement',
    shows: [2],
    says: /2 records were sent, 1 acknowledged/,
    wrong: [ok(['p:1', 'p:2'], 0, [10, 20], { count: 1 }), ...final(rows(0, 'p:1', 'p:2'), END)],
    right: [ok(['p:1', 'p:2'], 0, [10, 20]), ...final(rows(0, 'p:1', 'p:2'), END)],
  },
  {
    name: 'one offset read with two values, by two readers at any time',
    kind: 'two-values',
    shows: [4, 5],
    says: /offset 0 was read as "q:1" and as "p:1"/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      unknown('q:1', [10, 20]),
      read(rows(0, 'q:1'), [15, 25], { logger: OTHER }),
      ...final(rows(0, 'p:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      unknown('q:1', [10, 20]),
      read(rows(0, 'p:1'), [15, 25], { logger: OTHER }),
      ...final(rows(0, 'p:1'), END),
    ],
  },
  {
    name: 'two appends acknowledged at one offset that nobody read',
    kind: 'two-values',
    shows: [2, 3],
    says: /two appends were acknowledged at offset 0: "p:1" and "q:1"/,
    wrong: [ok('p:1', 0, [10, 20]), ok('q:1', 0, [10, 20])],
    right: [ok('p:1', 0, [10, 20]), ok('q:1', 1, [10, 20]), ...final(rows(0, 'p:1', 'q:1'), END)],
  },
  {
    name: 'a record whose epoch differs from reader to reader',
    kind: 'record-changed',
    shows: [3, 4],
    says: /offset 0 was read with epoch 1, and with epoch 2/,
    wrong: [
      unknown('p:1', [10, 20]),
      read(rows(0, 'p:1'), [30, 40]),
      ...final([[0, 'p:1', 2]], END),
      ok('p:2', 1, [50, 60]),
    ],
    right: [ok('p:1', 0, [10, 20]), read(rows(0, 'p:1'), [30, 40]), ...final([[0, 'p:1', 1]], END)],
  },
  {
    name: 'a record that moved: seen here, then there with another one in its place',
    kind: 'two-offsets',
    shows: [4, 5],
    says: /"q:1" was read at 0 and at 1/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      unknown('q:1', [10, 20]),
      read(rows(0, 'q:1'), [15, 25], { logger: OTHER }),
      ...final(rows(0, 'p:1', 'q:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      unknown('q:1', [10, 20]),
      read(rows(1, 'q:1'), [15, 25], { logger: OTHER }),
      ...final(rows(0, 'p:1', 'q:1'), END),
    ],
  },
  {
    name: 'a record that stands twice',
    kind: 'duplicate',
    shows: [4, 4],
    says: /"p:1" was read at 0 and at 2/,
    wrong: [ok('p:1', 0, [10, 20]), ok('q:1', 1, [10, 20]), ...final(rows(0, 'p:1', 'q:1', 'p:1'), END)],
    right: [ok('p:1', 0, [10, 20]), ok('q:1', 1, [10, 20]), ...final(rows(0, 'p:1', 'q:1'), END)],
  },
  {
    name: 'a record whose append was unknown that appears twice',
    kind: 'duplicate',
    shows: [4, 4],
    says: /"q:1" was read at 1 and at 2/,
    wrong: [ok('p:1', 0, [10, 20]), unknown('q:1', [10, 20]), ...final(rows(0, 'p:1', 'q:1', 'q:1'), END)],
    right: [ok('p:1', 0, [10, 20]), unknown('q:1', [10, 20]), ...final(rows(0, 'p:1', 'q:1'), END)],
  },
  {
    name: 'a refused record that appears',
    kind: 'refused-stored',
    shows: [3, 4],
    says: /"q:1" was refused, and is at 1/,
    wrong: [ok('p:1', 0, [10, 20]), refused('q:1', [10, 20]), ...final(rows(0, 'p:1', 'q:1'), END)],
    right: [ok('p:1', 0, [10, 20]), refused('q:1', [10, 20]), ...final(rows(0, 'p:1'), END)],
  },
  {
    name: 'a record that nobody sent',
    kind: 'phantom',
    shows: [4],
    says: /"p:7" is at 1, and nobody sent it/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      { type: 'sends', process: 'p', start: 5, from: 1, to: 6 },
      ...final(rows(0, 'p:1', 'p:7'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      { type: 'sends', process: 'p', start: 5, from: 1, to: 7 },
      ...final(rows(0, 'p:1', 'p:7'), END),
    ],
  },
  {
    name: 'a record that was read before it was sent',
    kind: 'before-sent',
    shows: [3, 4],
    says: /"q:1" was read before it was sent/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      read(rows(1, 'q:1'), [25, 29], { outcome: 'unknown', commit: null }),
      unknown('q:1', [30, 40]),
      ...final(rows(0, 'p:1', 'q:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      read(rows(1, 'q:1'), [25, 31], { outcome: 'unknown', commit: null }),
      unknown('q:1', [30, 40]),
      ...final(rows(0, 'p:1', 'q:1'), END),
    ],
  },
  {
    name: 'a read with an offset missing between two records',
    kind: 'hole',
    shows: [3],
    says: /got offset 2 where 1 should be/,
    wrong: [
      ok(['p:1', 'p:2', 'p:3'], 0, [10, 20]),
      read([...rows(0, 'p:1'), ...rows(2, 'p:3')], [30, 40]),
      ...final(rows(0, 'p:1', 'p:2', 'p:3'), END),
    ],
    right: [ok(['p:1', 'p:2', 'p:3'], 0, [10, 20]), ...final(rows(0, 'p:1', 'p:2', 'p:3'), END)],
  },
  {
    name: 'a read that begins above what was asked for',
    kind: 'hole',
    shows: [4],
    says: /got offset 1 where 0 should be/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      ok('p:2', 1, [30, 40]),
      read(rows(1, 'p:2'), [50, 60], { offset: 0 }),
      ...final(rows(0, 'p:1', 'p:2'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      ok('p:2', 1, [30, 40]),
      read(rows(1, 'p:2'), [50, 60], { offset: 1 }),
      ...final(rows(0, 'p:1', 'p:2'), END),
    ],
  },
  {
    name: 'a read without the record that it calls committed',
    kind: 'hole',
    shows: [3],
    says: /a read from 0 got no record, and says commit 1/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      read([], [50, 60], { offset: 0, commit: 1 }),
      ...final(rows(0, 'p:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      read([], [50, 60], { offset: 1, commit: 1 }),
      ...final(rows(0, 'p:1'), END),
    ],
  },
  {
    name: 'a final read that skips a page',
    kind: 'hole',
    shows: [4, 5],
    says: /says that it got 0 to 2; its reads got from 0 to 2, with a hole/,
    wrong: [
      ok(['p:1', 'p:2', 'p:3'], 0, [10, 20]),
      read(rows(0, 'p:1'), [900, 905], { process: 'f' }),
      read(rows(2, 'p:3'), [906, 910], { process: 'f' }),
      { type: 'final', process: 'f', logger: LOGGER, start: 900, end: 910, from: 0, to: 3, complete: true },
    ],
    right: [
      ok(['p:1', 'p:2', 'p:3'], 0, [10, 20]),
      read(rows(0, 'p:1'), [900, 905], { process: 'f' }),
      read(rows(1, 'p:2', 'p:3'), [906, 910], { process: 'f' }),
      { type: 'final', process: 'f', logger: LOGGER, start: 900, end: 910, from: 0, to: 3, complete: true },
    ],
  },
  {
    name: 'half of a batch',
    kind: 'torn-batch',
    shows: [2, 4],
    says: /"p:1" is at 0, so "p:2" of the same append belongs at 1; it is nowhere/,
    wrong: [unknown(['p:1', 'p:2'], [10, 20]), ok('q:1', 1, [10, 20]), ...final(rows(0, 'p:1', 'q:1'), END)],
    right: [
      unknown(['p:1', 'p:2'], [10, 20]),
      ok('q:1', 2, [10, 20]),
      ...final(rows(0, 'p:1', 'p:2', 'q:1'), END),
    ],
  },
  {
    name: 'an append that began after another one was acknowledged, below it',
    kind: 'order',
    shows: [2, 3],
    says: /began when 1 was known, and is at 0/,
    wrong: [ok('p:1', 1, [10, 20]), ok('q:1', 0, [21, 30]), ...final(rows(0, 'q:1', 'p:1'), END)],
    right: [ok('p:1', 1, [10, 20]), ok('q:1', 0, [19, 30]), ...final(rows(0, 'q:1', 'p:1'), END)],
  },
  {
    name: 'an append that began after a read, and is at an offset that the read had',
    kind: 'order',
    shows: [3, 4],
    says: /began when 1 was known, and is at 0/,
    wrong: [
      unknown('p:1', [10, 90]),
      read(rows(1, 'p:1'), [20, 30]),
      ok('q:1', 0, [31, 40]),
      ...final(rows(0, 'q:1', 'p:1'), END),
    ],
    right: [
      unknown('p:1', [10, 90]),
      read(rows(1, 'p:1'), [20, 30]),
      ok('q:1', 0, [29, 40]),
      ...final(rows(0, 'q:1', 'p:1'), END),
    ],
  },
  {
    name: 'an unknown append that began after another one was acknowledged, and appears below it',
    kind: 'order',
    shows: [2, 3],
    says: /began when 1 was known, and is at 0/,
    wrong: [ok('p:1', 1, [10, 20]), unknown('q:1', [21, 30]), ...final(rows(0, 'q:1', 'p:1'), END)],
    right: [ok('p:1', 0, [10, 20]), unknown('q:1', [21, 30]), ...final(rows(0, 'p:1', 'q:1'), END)],
  },
  {
    name: 'records of a producer in another order than it sent them',
    kind: 'producer-order',
    shows: [2, 3],
    says: /call 2 is at 0, call 1 before it at 1/,
    wrong: [
      ok('p:1', 1, [10, 40], { producer: '7' }),
      ok('p:2', 0, [11, 40], { producer: '7' }),
      ...final(rows(0, 'p:2', 'p:1'), END),
    ],
    right: [ok('p:1', 1, [10, 40]), ok('p:2', 0, [11, 40]), ...final(rows(0, 'p:2', 'p:1'), END)],
  },
  {
    name: 'a linearizable read that lacks what was acknowledged before',
    kind: 'stale-read',
    shows: [2, 3],
    says: /says commit 0, and 0 was known before it began/,
    wrong: [ok('p:1', 0, [10, 20]), read([], [21, 30], linearizable), ...final(rows(0, 'p:1'), END)],
    right: [ok('p:1', 0, [10, 20]), read([], [19, 30], linearizable), ...final(rows(0, 'p:1'), END)],
  },
  {
    name: 'a linearizable read that lacks what another reader had read',
    kind: 'stale-read',
    shows: [3, 4],
    says: /says commit 0, and 0 was known before it began/,
    wrong: [
      ok('p:1', 0, [10, 50]),
      read(rows(0, 'p:1'), [20, 30]),
      read([], [31, 40], linearizable),
      ...final(rows(0, 'p:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 50]),
      read(rows(0, 'p:1'), [20, 30]),
      read([], [31, 40], { process: 'l', logger: OTHER }),
      ...final(rows(0, 'p:1'), END),
    ],
  },
  {
    name: 'a logger whose commit falls',
    kind: 'read-back',
    shows: [3, 4],
    says: /the commit of http:\/\/b:1 fell from 1 to 0/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      read(rows(0, 'p:1'), [30, 40], { logger: OTHER }),
      read([], [41, 50], { logger: OTHER, process: 's' }),
      ...final(rows(0, 'p:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      read(rows(0, 'p:1'), [30, 40], { logger: OTHER }),
      { type: 'event', time: 40.5, text: 'the volume of b was wiped', forgets: [OTHER] },
      read([], [41, 50], { logger: OTHER, process: 's' }),
      ...final(rows(0, 'p:1'), END),
    ],
  },
  {
    name: 'a logger that refuses an offset which it served before',
    kind: 'read-back',
    shows: [3, 4],
    says: /fell from 1 to 0/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      read(rows(0, 'p:1'), [30, 40]),
      read([], [41, 50], { outcome: 'refused', code: 'offset-out-of-range', offset: 1, commit: 0 }),
      ...final(rows(0, 'p:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      read(rows(0, 'p:1'), [30, 40]),
      read([], [41, 50], { outcome: 'refused', code: 'offset-out-of-range', offset: 2, commit: 1 }),
      ...final(rows(0, 'p:1'), END),
    ],
  },
  {
    name: 'a read of more than it calls committed',
    kind: 'beyond-commit',
    shows: [3],
    says: /got offset 0 and says commit 0/,
    wrong: [
      ok('p:1', 0, [10, 20]),
      read(rows(0, 'p:1'), [30, 40], { commit: 0 }),
      ...final(rows(0, 'p:1'), END),
    ],
    right: [
      ok('p:1', 0, [10, 20]),
      read(rows(0, 'p:1'), [30, 40], { commit: 1 }),
      ...final(rows(0, 'p:1'), END),
    ],
  },
  {
    name: 'an epoch below the one before it',
    kind: 'epoch-falls',
    shows: [4, 4],
    says: /epoch 2 at 0, epoch 1 at 1/,
    wrong: [
      ok('p:1', 0, [10, 20], { epoch: 2 }),
      ok('p:2', 1, [30, 40], { epoch: 1 }),
      ...final(
        [
          [0, 'p:1', 2],
          [1, 'p:2', 1],
        ],
        END,
      ),
    ],
    right: [
      ok('p:1', 0, [10, 20], { epoch: 1 }),
      ok('p:2', 1, [30, 40], { epoch: 2 }),
      ...final(
        [
          [0, 'p:1', 1],
          [1, 'p:2', 2],
        ],
        END,
      ),
    ],
  },
  {
    name: 'a timestamp below the one before it',
    kind: 'time-falls',
    shows: [3, 3],
    says: /timestamp 8 at 0, 7 at 1/,
    wrong: [
      ok(['p:1', 'p:2'], 0, [10, 20]),
      ...final(
        [
          [0, 'p:1', 1, 8],
          [1, 'p:2', 1, 7],
        ],
        END,
      ),
    ],
    right: [
      ok(['p:1', 'p:2'], 0, [10, 20]),
      ...final(
        [
          [0, 'p:1', 1, 8],
          [1, 'p:2', 1, 8],
        ],
        END,
      ),
    ],
  },
];

for (const { name, kind, shows, says, wrong, right } of CASES) {
  test(`${name}: ${kind}`, async () => {
    const { verdict, anomalies } = await verify(wrong);
    assert.equal(verdict, 'invalid');
    const found = anomalies.find((anomaly) => anomaly.kind === kind);
    assert.ok(found, `found ${anomalies.map((anomaly) => anomaly.kind).join() || 'nothing'}`);
    assert.match(found.message, says);
    assert.deepEqual(
      found.evidence.map(({ line }) => line),
      shows,
    );
  });
  test(`${name}: its neighbour is right`, async () => {
    const { verdict, anomalies, notes } = await verify(right);
    assert.deepEqual([verdict, anomalies, notes], ['valid', [], []]);
  });
}

test('every kind of anomaly is forged above', () => {
  const forged = new Set(CASES.map(({ kind }) => kind));
  assert.deepEqual(
    [...Object.keys(ANOMALIES)].filter((kind) => !forged.has(kind as AnomalyKind)),
    [],
  );
});
