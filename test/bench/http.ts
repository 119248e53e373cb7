// Many clients of plain HTTP, one record in each request and the next request after the answer: no batching on their side. The
// client is bare sockets, so that it costs as little as it can and the loggers have the processors.
import { Caller } from './caller.ts';
import { type Quantiles, quantiles, round } from './numbers.ts';
import { Payload } from './payload.ts';
import { type ReadBack, readBackAny } from './read-back.ts';
import { Rig } from './rig.ts';
import { measured, type Usage } from './usage.ts';

export interface HttpOptions {
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly members: number;
  readonly clients: number;
}

export interface HttpResult extends Quantiles {
  readonly work: 'http';
  readonly sizeBytes: number;
  readonly members: number;
  readonly clients: number;
  readonly ratePerSecond: number;
  readonly megabytesPerSecond: number;
  readonly usage: Usage;
  readonly readBack: ReadBack;
}

export async function http(options: HttpOptions): Promise<HttpResult> {
  const { sizeBytes, seconds, warmupSeconds, members, clients } = options;
  await using rig = await Rig.start({ members });
  const { api } = await rig.leader();
  const payload = new Payload(sizeBytes);
  const crowd = Array.from({ length: clients }, () => new Caller(api));
  await run(crowd, payload, warmupSeconds);
  const { result, usage } = await measured(rig.pids, () => run(crowd, payload, seconds));
  for (const caller of crowd) caller.end();
  const client = await rig.followerClient();
  const checked = await readBackAny(client, payload.count, sizeBytes);
  await client.close();
  const ratePerSecond = result.length / usage.seconds;
  return {
    work: 'http',
    sizeBytes,
    members,
    clients,
    ratePerSecond: Math.round(ratePerSecond),
    megabytesPerSecond: round((ratePerSecond * sizeBytes) / 1e6, 2),
    ...quantiles(result),
    usage,
    readBack: checked,
  };
}

async function run(crowd: readonly Caller[], payload: Payload, seconds: number): Promise<number[]> {
  const tookMs: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  await Promise.all(
    crowd.map(async (caller) => {
      for (let nowMs = performance.now(); nowMs < endMs; ) {
        const { status, text } = await caller.post(payload.next());
        if (status !== 200) throw new Error(text);
        const afterMs = performance.now();
        tookMs.push(afterMs - nowMs);
        nowMs = afterMs;
      }
    }),
  );
  return tookMs;
}
