// The status page's reader of server-sent events against a logger that lies: rows come out of it one after the other from the
// offset that was asked for, or it ends with an error.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Follow, pageFollow, type Row } from '../../../support/page-follow.ts';
import { Teller } from '../../../support/teller.ts';
import {
  type ByteDamage,
  byteDamage,
  damageBytes,
  damageJson,
  type JsonDamage,
  jsonDamage,
} from '../../mutate.ts';
import { type Rig, target } from '../../target.ts';

interface Case {
  readonly rows: readonly (readonly JsonDamage[])[];
  readonly problem: readonly JsonDamage[] | null;
  readonly damages: readonly ByteDamage[];
  /** Bytes of each piece, as the network may have it. */
  readonly pieceBytes: number;
  readonly status: number;
}

const FROM = 5;
/** The runner's own deadline is enough. */
const NEVER = new AbortController().signal;
const PROBLEM = { status: 410, code: 'offset-gone', detail: 'd', first: 9 };

const row = (at: number, damages: readonly JsonDamage[]): string => {
  const good = { offset: FROM + at, timestamp: 1000 + at, epoch: 1, value: `v${at}` };
  return `id: ${FROM + at}\ndata: ${JSON.stringify(damageJson(good, damages))}\n\n`;
};

function streamOf({ rows, problem, damages }: Case): Buffer {
  const events = rows.map((each, at) => row(at, each));
  if (problem !== null)
    events.push(`event: problem\ndata: ${JSON.stringify(damageJson(PROBLEM, problem))}\n\n`);
  return damageBytes(Buffer.from(`retry: 1000\n\n: still here\n\n${events.join('')}`), damages);
}

class Events implements Rig<Case> {
  readonly #teller: Teller;
  readonly #follow: Follow;
  readonly #restore: () => void;

  static async open(): Promise<Events> {
    const teller = await Teller.open();
    const { follow, restore } = await pageFollow(teller.url);
    return new Events(teller, follow, restore);
  }

  private constructor(teller: Teller, follow: Follow, restore: () => void) {
    this.#teller = teller;
    this.#follow = follow;
    this.#restore = restore;
  }

  async run(one: Case): Promise<void> {
    this.#teller.tell(one.status, streamOf(one), one.pieceBytes);
    const got: Row[] = [];
    let failure: unknown = null;
    try {
      await this.#follow(FROM, NEVER, { onOpen: () => {}, onRows: (rows) => void got.push(...rows) });
    } catch (error) {
      assert.ok(error instanceof Error, String(error));
      assert.doesNotMatch(error.message, /Cannot read|is not a function|undefined/, 'an event was believed');
      failure = error;
    }
    assert.deepEqual(
      got.map(({ offset }) => offset),
      got.map((_, at) => FROM + at),
    );
    const isGood =
      one.damages.length === 0 && one.status === 200 && one.rows.every((each) => each.length === 0);
    if (isGood) assert.equal(got.length, one.rows.length);
    if (isGood && one.problem === null) assert.equal(failure, null);
    if (isGood && one.problem?.length === 0)
      assert.equal((failure as { code?: unknown }).code, 'offset-gone');
  }

  async close(): Promise<void> {
    this.#restore();
    await this.#teller.close();
  }
}

const few = fc.array(jsonDamage, { maxLength: 2 });
const mostly = fc.oneof(
  { weight: 4, arbitrary: fc.constant<JsonDamage[]>([]) },
  { weight: 1, arbitrary: few },
);

export const events = target<Case>({
  name: 'events',
  about: 'server-sent events to the status page',
  shortCases: 100,
  cases: fc.record({
    rows: fc.array(mostly, { maxLength: 6 }),
    problem: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: few }),
    damages: fc.oneof(
      { weight: 2, arbitrary: fc.constant<ByteDamage[]>([]) },
      { weight: 1, arbitrary: fc.array(byteDamage, { minLength: 1, maxLength: 2 }) },
    ),
    pieceBytes: fc.constantFrom(1, 7, 100, 10_000),
    status: fc.constantFrom(200, 200, 200, 200, 200, 401, 410, 503),
  }),
  open: () => Events.open(),
});
