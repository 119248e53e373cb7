// The event loop and the clock are the test's own: a turn ends when the test says so, time passes as work is done.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turnOver } from 'node:timers/promises';
import { LoopShare } from '../../src/loop-share.ts';

const PIECE_MS = 0.5;
/** Pieces of work that fit into the share of a turn. */
const PIECES = 4;

class Loop {
  nowMs = 0;
  turns = 0;
  /** What was done in each turn. */
  readonly done: string[][] = [[]];
  #next: (() => void)[] = [];
  readonly share = new LoopShare(
    () => this.nowMs,
    (run) => this.#next.push(run),
  );

  work(who: string): void {
    this.nowMs += PIECE_MS;
    this.done.at(-1)?.push(who);
  }

  async loop(who: string, pieces: number): Promise<void> {
    for (let piece = 0; piece < pieces; piece += 1) {
      this.work(who);
      if (this.share.spent()) await this.share.turn();
    }
  }

  /** Turns until nothing is left to do. */
  async run(): Promise<void> {
    for (await turnOver(); this.#next.length > 0; await turnOver()) {
      this.done.push([]);
      for (const run of this.#next.splice(0)) run();
    }
  }
}

describe('the share of the event loop', () => {
  test('a long loop is spread over turns, and is done whole', async () => {
    const loop = new Loop();
    const ended = loop.loop('a', 10);
    await loop.run();
    await ended;
    assert.deepEqual(
      loop.done.map(({ length }) => length).filter((length) => length > 0),
      [PIECES + 1, PIECES, 1],
    );
  });

  test('several loops share one budget per turn, in the order in which they asked', async () => {
    const loop = new Loop();
    const ended = Promise.all(['a', 'b', 'c'].map((who) => loop.loop(who, 6)));
    await loop.run();
    await ended;
    const all = loop.done.flat();
    for (const who of 'abc') assert.equal(all.filter((one) => one === who).length, 6);
    // The first turn begins them all, with a piece each before they ask.
    for (const turn of loop.done.slice(1)) assert.ok(turn.length <= PIECES, loop.done.join(' | '));
    assert.deepEqual(loop.done[1], ['a', 'b', 'b', 'b']);
    assert.deepEqual(loop.done[2], ['c', 'c', 'c', 'c']);
  });

  test('small pieces of several loops go on in one turn', async () => {
    const loop = new Loop();
    const ended = ['a', 'b', 'c'].map((who) => loop.share.turn().then(() => loop.work(who)));
    await loop.run();
    await Promise.all(ended);
    assert.deepEqual(loop.done[1], ['a', 'b', 'c']);
  });

  test('the one of the process lets timers and sockets have their turn', async () => {
    const { loopShare } = await import('../../src/loop-share.ts');
    let turns = 0;
    const tick = setInterval(() => {
      turns += 1;
    }, 1);
    // Without the turns the timer never comes; the bound only ends the test then.
    const endMs = performance.now() + 10_000;
    while (turns < 5 && performance.now() < endMs) if (loopShare.spent()) await loopShare.turn();
    clearInterval(tick);
    assert.equal(turns, 5);
  });
});
