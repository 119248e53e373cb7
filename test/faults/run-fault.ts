// The course of one fault: the cluster is whole, the load runs, the fault is made, stands, is healed, the cluster is whole again,
// the load ends, and the recorded history is checked. What is measured comes from the history and from the API server's watches.
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyNow, reportText, verifyFiles } from '../../src/verify/index.ts';
import { type Arena, LOGGER_COUNT } from './arena.ts';
import { type Budget, budgetOf } from './budget.ts';
import type { Fault, Strike } from './fault.ts';
import { Load, type Recording } from './load.ts';
import { linesOfFile, type Measured, measure, type Span } from './measure.ts';
import type { Result } from './result.ts';

const RATE = 50;
/** Programs that have just started are busy with compiling themselves. */
const CALM_MS = 8000;
const AFTER_MS = 3000;
const CALL_TIMEOUT_MS = 10_000;
/** Processes of one machine, whose clocks are one, and what a call takes to note the time. */
const CLOCK_SKEW_MS = 10;

export async function runFault(arena: Arena, fault: Fault, run: string, directory: string): Promise<Result> {
  await arena.whole();
  await arena.fresh();
  const plan = await fault.prepare(arena);
  const leader = await arena.whole();
  arena.lab?.weighPods();
  const nodes = arena.nodes.filter((node) => !plan.lost.includes(node));
  // The first of them reads every logger: one that the fault does not touch, where there is one.
  nodes.sort((a, b) => Number(plan.touched.includes(a)) - Number(plan.touched.includes(b)));
  const load = await Load.start(arena.namespace, {
    name: run,
    nodes,
    rate: RATE,
    callTimeoutMs: CALL_TIMEOUT_MS,
    loggers: LOGGER_COUNT,
  });
  try {
    await sleep(CALM_MS);
    const struckMs = await strikeAndHeal(plan);
    await arena.recovered();
    await sleep(AFTER_MS);
    // What fetches the recordings runs on the same nodes, and is not part of the fault.
    const untilMs = historyNow();
    const recordings = await load.end(directory);
    await forget(plan, recordings);
    const budget = plan.newLeader ? await budgetOf(arena, struckMs, leader.epoch) : null;
    return resultOf(fault, plan, recordings, { sinceMs: struckMs, untilMs }, budget);
  } catch (error) {
    await load.remove();
    throw error;
  } finally {
    await plan.restore?.();
  }
}

/** Faults that stand now, with what restores the cluster after them: whoever ends the suite half way heals them. */
const standing = new Set<Strike>();

/** For an end half way: a node that stays cut off would be everybody's trouble. */
export async function healStanding(): Promise<void> {
  for (const plan of standing) {
    await plan.heal();
    await plan.restore?.();
  }
}

/** When the fault took effect. It is healed whatever happens. */
async function strikeAndHeal(plan: Strike): Promise<number> {
  standing.add(plan);
  try {
    const struckMs = await plan.make();
    const holdUntilMs = historyNow() + plan.holdMs;
    await plan.during?.();
    await sleep(Math.max(0, holdUntilMs - historyNow()));
    return struckMs;
  } finally {
    await plan.heal();
    standing.delete(plan);
  }
}

/** A logger that lost its disk may tell less than before, once: the history must say when. */
async function forget({ forgets }: Strike, [recording]: readonly Recording[]): Promise<void> {
  if (recording === undefined) return;
  for (const { url, atMs } of forgets?.() ?? []) {
    const event = { type: 'event', time: atMs, text: 'a disk was wiped', forgets: [url] };
    await appendFile(recording.path, `${JSON.stringify(event)}\n`);
  }
}

async function resultOf(
  fault: Fault,
  plan: Strike,
  recordings: readonly Recording[],
  span: Span,
  budget: Budget | null,
): Promise<Result> {
  const paths = recordings.map(({ path }) => path);
  const report = await verifyFiles(paths, {
    clockSkewMs: CLOCK_SKEW_MS,
    others: false,
    input: process.stdin,
  });
  const clean = recordings.filter(({ node }) => !plan.touched.includes(node));
  const measured: Measured[] = [];
  for (const { path } of clean) measured.push(await measure(linesOfFile(path), span));
  assert.ok(measured.length > 0, 'no producer is out of the way of this fault');
  const worst = measured.reduce((most, one) => (one.gapMs > most.gapMs ? one : most));
  const failed: Record<string, number> = {};
  for (const one of measured)
    for (const [code, count] of Object.entries(one.failed)) failed[code] = (failed[code] ?? 0) + count;
  const plain = measured.flatMap(({ plainGapMs }) => plainGapMs ?? []);
  const result: Result = {
    fault: fault.name,
    target: plan.target,
    gapMs: Math.round(worst.gapMs),
    gapAfterMs: Math.round(worst.gapFromMs - span.sinceMs),
    failed,
    plainGapMs: plain.length === 0 ? null : Math.round(Math.max(...plain)),
    budget,
    acknowledged: report.summary.appends.ok,
    verdict: report.verdict,
    counts: report.counts,
  };
  console.log(JSON.stringify(result));
  assert.equal(report.verdict, 'valid', reportText(report));
  return result;
}
