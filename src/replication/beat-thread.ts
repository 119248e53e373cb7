// The heartbeat thread: started by heartbeats.ts, it listens and dials for itself. See docs/internals/wire.md.
import { parentPort, workerData } from 'node:worker_threads';
import type { Beat } from '../replica/types.ts';
import { BeatReceiver } from './beat-receiver.ts';
import { BeatSender } from './beat-sender.ts';
import type { BeatThreadData, FromBeatThread, RoundTrip, ToBeatThread } from './beat-words.ts';
import type { TlsMaterial } from './dial.ts';
import { HeardCounter } from './heard-counts.ts';
import type { OwnHello } from './hello.ts';
import { ROUND_TRIPS_EVERY_MS } from './limits.ts';
import { listen, REFUSED_TLS } from './listener.ts';
import { Pulse } from './pulse.ts';
import { QuietLog } from './quiet-log.ts';
import { TurnWatch } from './turn-watch.ts';

const post = (message: FromBeatThread): void => parentPort?.postMessage(message);

const log = new QuietLog({
  info: (fields, text) => post({ type: 'log', level: 'info', fields, text }),
  warn: (fields, text) => post({ type: 'log', level: 'warn', fields, text }),
  error: (fields, text) => post({ type: 'log', level: 'error', fields, text }),
});

async function run(data: BeatThreadData): Promise<void> {
  let material = data.tls;
  const tls = (): TlsMaterial => material!;
  const watch = new TurnWatch(data.turns, data.suspectMs);
  const receiver = new BeatReceiver({
    log,
    watch,
    heartbeatMs: data.heartbeatMs,
    counter: new HeardCounter(data.heard),
    pass: (beats) => post({ type: 'beats', beats }),
    heardLeader: () => pulse.heard(),
    missed: (id, count) => post({ type: 'missed', id, count }),
  });
  const listener = await listen({
    ...data.listen,
    tls: material === null ? null : tls,
    accept: (socket) => receiver.accept(socket, own),
    failed: (remote, error) =>
      log.warn(remote, { remote, error: error.message }, 'a heartbeat connection failed'),
    refused: (remote, problem) => {
      post({ type: 'tls-failed' });
      log.warn(remote, { remote, problem }, REFUSED_TLS);
    },
  });
  const own: OwnHello = { ...data.hello, beatPort: listener.port };
  let trips: RoundTrip[] = [];
  let tripsToldMs = performance.now();
  const tellTrips = (): void => {
    if (trips.length === 0 || performance.now() - tripsToldMs < ROUND_TRIPS_EVERY_MS) return;
    post({ type: 'round-trips', trips });
    trips = [];
    tripsToldMs = performance.now();
  };
  const sender = new BeatSender({
    own,
    tls: material === null ? null : tls,
    log,
    roundTrip: (trip) => void trips.push(trip),
  });
  let beat: Beat | null = null;
  const send = (): void => {
    if (beat !== null && !watch.stuck) sender.send(beat);
  };
  parentPort?.on('message', (message: ToBeatThread) => {
    // A message is a sign that the main thread turns, as good as its count.
    watch.sign();
    if (message.type === 'tls') material = message.tls;
    else if (message.type === 'targets') sender.setTargets(message.targets);
    else {
      const said = beat;
      beat = message.beat;
      pulse.lead(beat.claim !== null);
      if (isNews(said, beat)) send();
    }
  });
  const pulse = new Pulse({
    heartbeatMs: data.heartbeatMs,
    now: () => performance.now(),
    after: setTimeout,
    turn: () => {
      watch.look();
      send();
      sender.check();
      receiver.check();
      tellTrips();
    },
  });
  post({ type: 'listening', port: listener.port });
}

/** What others wait for: that this logger takes records, or leads no more. The rest they hear in the protocol's own messages. */
const isNews = (said: Beat | null, beat: Beat): boolean =>
  said === null || said.established !== beat.established || (said.claim !== null && beat.claim === null);

run(workerData as BeatThreadData).catch((error: NodeJS.ErrnoException) => {
  post({ type: 'failed', text: error.message, code: error.code });
});
