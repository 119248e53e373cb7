// The replication listener of a real driver with a real log, once as a follower whose leader is the attacker, once as a leader
// that the attacker follows. A connection ends or goes on; the log never holds a batch that the leader's log does not hold at
// that offset, whatever is said; and the logger goes on, but for the faults that the protocol names, on which it must stop.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  batchesOf,
  batchesProblem,
  encodeBatch,
  type OpenedLog,
  readHeader,
  stampBatch,
} from '../../../../src/log/index.ts';
import { realClock } from '../../../../src/logger/clock.ts';
import { ReplicationDriver } from '../../../../src/logger/driver/index.ts';
import { freshLog, neverRoom, openOn, readAll } from '../../../support/log-fixture.ts';
import { MemoryDisk } from '../../../support/memory-disk.ts';
import { until } from '../../../support/until.ts';
import { type Rig, target } from '../../target.ts';
import { damageSteps, type Step, type StepDamage, stepDamage } from './frames.ts';
import { Attacker, hello } from './speak.ts';
import { SELF, Wire } from './wire.ts';
import { lastingSessions, StandingRegister } from './world.ts';

type Script = 'follow' | 'restart' | 'lead';

interface Case {
  readonly script: Script;
  readonly damages: readonly StepDamage[];
  /** 0: each frame in one piece. */
  readonly pieceBytes: number;
}

const CLAIM = { epoch: 1, incarnation: 'incarnation' };
const LEADER = {
  id: 'logger-1',
  incarnation: CLAIM.incarnation,
  api: 'http://127.0.0.1:1',
  peer: '127.0.0.1:1',
};
const MEMBERS = [
  { ...SELF, peer: '127.0.0.1:2' },
  { id: 'logger-1', uid: 'uid-9', peer: '127.0.0.1:1' },
  { id: 'logger-2', uid: 'uid-8', peer: '127.0.0.1:3' },
];
const RESTART_FIRST = 100;
const BATCHES = 8;
/** Frames in flight, and garbage that is not collected yet; what nobody bounds passes it soon. */
const BUFFERS_MAX_BYTES = 2 ** 30;
/** What the protocol says a logger must not survive. */
const FAULT = /^(cut-below-commit|pairs-disagree|log-mismatch): /;

function batchesFrom(first: number): Buffer[] {
  return Array.from({ length: BATCHES }, (_, index) => {
    const batch = encodeBatch([{ value: Buffer.from(`value ${index} `.repeat(5)) }], {
      timestampMs: 1000 + index,
      producer: { id: 5n, epoch: 0, sequence: index },
    });
    stampBatch(batch, first + index, CLAIM.epoch);
    return batch;
  });
}

const STREAM = { epoch: 1, stream: 1 };

/** What a leader says to a follower, from the first word to the last commit. */
function leaderSays(first: number, match: Step): Step[] {
  const batches = batchesFrom(first);
  const entry = (from: number, end: number, commit: number): Step => {
    const some = batches.slice(from, end);
    const [base, last] = [first + from, first + end];
    return {
      header: {
        type: 'batches',
        ...STREAM,
        from: base,
        end: last,
        commit,
        first,
        batches: some.map(({ length }) => length),
      },
      payload: some,
      answer: 'ack',
    };
  };
  return [
    { header: hello(), answer: 'welcome' },
    { header: { type: 'promise', claim: CLAIM, leader: LEADER }, answer: 'promised' },
    { header: { type: 'follow', claim: CLAIM, stream: 1, start: first, from: null }, answer: 'tail' },
    match,
    { header: { type: 'pair', ...STREAM, pair: { epoch: 1, start: first } }, answer: 'ack' },
    entry(0, 3, 0),
    entry(3, 5, first + 3),
    { header: { type: 'keepalive' } },
    entry(5, BATCHES, first + 5),
    { header: { type: 'commit', ...STREAM, commit: first + BATCHES, first } },
    { header: { type: 'confirm', claim: CLAIM, round: 1 }, answer: 'confirmed' },
  ];
}

/** What a follower says to a leader whose log holds `BATCHES` records. */
function followerSays(): Step[] {
  const position = { epoch: 1, end: 0 };
  return [
    { header: hello(), answer: 'promise' },
    { header: { type: 'promised', claim: CLAIM, position: { epoch: 0, end: 0 } }, answer: 'follow' },
    {
      header: {
        type: 'tail',
        claim: CLAIM,
        stream: 1,
        purpose: 'follow',
        first: 0,
        end: 0,
        commit: 0,
        pairs: [],
        complete: true,
      },
      answer: 'cut',
    },
    { header: { type: 'ready', ...STREAM, position: { epoch: 0, end: 0 } }, answer: 'batches' },
    { header: { type: 'ack', ...STREAM, position } },
    { header: { type: 'ack', ...STREAM, position: { epoch: 1, end: BATCHES } } },
    { header: { type: 'confirmed', claim: CLAIM, round: 1 } },
    { header: { type: 'stream-end', ...STREAM, reason: 'gap' } },
  ];
}

class Peers implements Rig<Case> {
  readonly #wire: Wire;
  readonly #scripts: Readonly<Record<Script, readonly Step[]>>;

  constructor(wire: Wire, producers: Buffer) {
    this.#wire = wire;
    const cut = { header: { type: 'cut', ...STREAM, end: 0, sharedEpoch: 0 }, answer: 'ready' };
    const restart = {
      header: { type: 'restart', ...STREAM, first: RESTART_FIRST, pairs: [], producers: producers.length },
      payload: [producers],
      answer: 'ready',
    };
    this.#scripts = {
      follow: leaderSays(0, cut),
      restart: leaderSays(RESTART_FIRST, restart),
      lead: followerSays(),
    };
  }

  async run({ script, damages, pieceBytes }: Case): Promise<void> {
    const opened = await openOn(new MemoryDisk(), { waitForRoom: neverRoom });
    const fatals: Error[] = [];
    const driver = this.#driver(script, opened, fatals);
    driver.start();
    if (script === 'lead') await lead(driver);
    const attacker = new Attacker(this.#wire.transport.address().port, damages.length > 0);
    try {
      await attacker.say(damageSteps(this.#scripts[script], damages), pieceBytes);
      if (damages.length === 0) await arrived(script, opened, driver);
      await attacker.end();
      await this.#wire.quiet();
      await assertSound(script, opened, driver, fatals);
    } finally {
      await attacker.end();
      await driver.stop({ handover: false });
      await opened.log.close();
    }
  }

  async close(): Promise<void> {
    await this.#wire.transport.close();
  }

  #driver(script: Script, { log, state }: OpenedLog, fatals: Error[]): ReplicationDriver {
    const membersVersion = { epoch: 1, revision: 1 };
    const value = { epoch: 1, leader: LEADER, members: MEMBERS, membersVersion, revision: 1 };
    const leads = script === 'lead';
    const self = { ...SELF, uid: SELF.uid, peer: '127.0.0.1:2' };
    return new ReplicationDriver({
      self,
      api: 'http://127.0.0.1:2',
      bootstrap: leads ? [self] : MEMBERS,
      log,
      state,
      register: new StandingRegister(
        leads ? { value: null, index: 0, session: null } : { value, index: 5, session: 'session-1' },
      ),
      sessions: lastingSessions,
      transport: this.#wire.asTransport,
      clock: realClock,
      newUuid: () => CLAIM.incarnation,
      onFatal: (error) => void fatals.push(error),
    });
  }
}

async function lead(driver: ReplicationDriver): Promise<void> {
  await until('it leads', () => driver.role.kind === 'leader');
  for (const batch of batchesFrom(0))
    await driver.propose(Buffer.from(batch), 1, readHeader(batch, 0).producer);
}

/** Without damage the conversation does what it is for; else the cases would miss theirs. */
async function arrived(script: Script, { log }: OpenedLog, driver: ReplicationDriver): Promise<void> {
  const first = script === 'restart' ? RESTART_FIRST : 0;
  await until(
    `the log of ${script} is there and committed`,
    () => log.end === first + BATCHES && driver.commit === log.end,
  );
}

async function assertSound(
  script: Script,
  { log }: OpenedLog,
  driver: ReplicationDriver,
  fatals: readonly Error[],
): Promise<void> {
  for (const fatal of fatals)
    if (!FAULT.test(fatal.message)) throw new Error('a message of a peer ended the logger', { cause: fatal });
  const first = script === 'restart' ? RESTART_FIRST : 0;
  const truth = new Map(batchesFrom(first).map((batch, index) => [first + index, batch]));
  if (script === 'lead') assert.equal(driver.commit, BATCHES);
  assert.ok(driver.commit <= log.end, `commit ${driver.commit} beyond the end ${log.end}`);
  const bytes = await readAll(log);
  if (bytes.length > 0) assert.equal(batchesProblem(bytes), null);
  for (const batch of batchesOf(bytes)) {
    const { baseOffset } = batch.header;
    assert.ok(
      truth.get(baseOffset)?.subarray(61).equals(batch.bytes.subarray(61)),
      `another batch at ${baseOffset}`,
    );
  }
  const { arrayBuffers } = process.memoryUsage();
  assert.ok(arrayBuffers < BUFFERS_MAX_BYTES, `${arrayBuffers} bytes in buffers`);
}

/** A producer table of a log that begins at that offset. */
async function producersAtRestart(): Promise<Buffer> {
  const { log } = await freshLog();
  for (let offset = 0; offset < RESTART_FIRST; offset += 1) {
    const batch = encodeBatch([{ value: Buffer.from('x') }], { timestampMs: 1 + offset, producer: null });
    stampBatch(batch, offset, 1);
    log.append([batch]);
  }
  return log.producersAt(RESTART_FIRST);
}

export const peers = target<Case>({
  name: 'peers',
  about: 'frames between loggers: hello, replication, restart, acknowledgements',
  shortCases: 30,
  cases: fc.record({
    script: fc.constantFrom<Script>('follow', 'follow', 'restart', 'lead'),
    damages: fc.array(stepDamage, { maxLength: 3 }),
    pieceBytes: fc.constantFrom(0, 0, 0, 1, 7, 100),
  }),
  open: async () => new Peers(await Wire.open(), await producersAtRestart()),
});
