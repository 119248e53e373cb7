// The peers' harness and ours, one after the other on the same machine, and their figures side by side. The harness is a command that
// prints one JSON line for each of its measurements (`peer`, `setting`, `workload`, `size`, `rate`, `p50`, `p99`, `p999`, and `client` where a peer
// has several); PEERS names it, with its arguments. Its other lines, and keys, are passed over.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { round } from './numbers.ts';
import { tableOf } from './page.ts';

export interface OwnFigure {
  readonly workload: 'W1 throughput' | 'W2 latency' | 'W4 rate';
  readonly sizeBytes: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

interface PeerFigure {
  readonly peer: string;
  readonly setting: string;
  readonly workload: string;
  readonly size: number;
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly client?: string;
}

export interface Compared {
  readonly peer: string;
  readonly workload: string;
  readonly sizeBytes: number;
  readonly peerPerSecond: number;
  readonly ownPerSecond: number;
  /** Above 1 we are faster, for throughput; below 1 for latency. */
  readonly rateRatio: number;
  readonly peerP50Ms: number;
  readonly ownP50Ms: number;
  readonly p50Ratio: number;
  readonly peerP99Ms: number;
  readonly ownP99Ms: number;
  readonly p99Ratio: number;
  readonly peerP999Ms: number;
  readonly ownP999Ms: number;
  readonly p999Ratio: number;
}

/** Runs the command and compares each of its lines that we have a figure for. */
export async function comparePeers(command: string, own: readonly OwnFigure[]): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (const line of await linesOf(command)) {
    const theirs = figureIn(line);
    const ours = own.find(
      ({ workload, sizeBytes }) => workload === theirs?.workload && sizeBytes === theirs.size,
    );
    if (!theirs || !ours) continue;
    compared.push({
      peer: [theirs.peer, theirs.setting, theirs.client].filter((part) => part !== undefined).join(' '),
      workload: theirs.workload,
      sizeBytes: theirs.size,
      peerPerSecond: theirs.rate,
      ownPerSecond: ours.ratePerSecond,
      rateRatio: round(ours.ratePerSecond / theirs.rate, 2),
      peerP50Ms: theirs.p50,
      ownP50Ms: ours.p50Ms,
      p50Ratio: round(ours.p50Ms / theirs.p50, 2),
      peerP99Ms: theirs.p99,
      ownP99Ms: ours.p99Ms,
      p99Ratio: round(ours.p99Ms / theirs.p99, 2),
      peerP999Ms: theirs.p999,
      ownP999Ms: ours.p999Ms,
      p999Ratio: round(ours.p999Ms / theirs.p999, 2),
    });
  }
  return compared;
}

/** Side by side: of each figure the peer's, ours, and how much ours is of it. */
export function comparisonTable(compared: readonly Compared[]): string {
  const three = (peer: number, own: number, ratio: number): string => `${peer} / ${own} / ${ratio}`;
  return tableOf(
    ['peer', 'work', 'bytes', 'records/s: peer / ours / ratio', 'p50 ms', 'p99 ms', 'p99.9 ms'],
    compared.map((one) => [
      one.peer,
      one.workload,
      one.sizeBytes,
      three(one.peerPerSecond, one.ownPerSecond, one.rateRatio),
      three(one.peerP50Ms, one.ownP50Ms, one.p50Ratio),
      three(one.peerP99Ms, one.ownP99Ms, one.p99Ratio),
      three(one.peerP999Ms, one.ownP999Ms, one.p999Ratio),
    ]),
  );
}

function figureIn(line: string): PeerFigure | null {
  try {
    const figure = JSON.parse(line) as Partial<PeerFigure>;
    return typeof figure.rate === 'number' && typeof figure.workload === 'string'
      ? (figure as PeerFigure)
      : null;
  } catch {
    return null; // what a build prints on the way
  }
}

async function linesOf(command: string): Promise<string[]> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command}: ended with ${code}`);
  return lines;
}
