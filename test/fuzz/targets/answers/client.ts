// The client library against a logger that lies: each call ends, with what it promises or with a ClientError.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ClientError, LogClient, Producer } from '../../../../src/client/index.ts';
import { ERRORS } from '../../../../src/errors.ts';
import { type Rig, target } from '../../target.ts';
import { type Answer, Liar, type Lie, type Question } from './liar.ts';
import { lies } from './lies.ts';

const CALLS = [
  'read',
  'follow',
  'offsetAt',
  'status',
  'transfer',
  'membership',
  'setMembers',
  'produce',
] as const;
type CallName = (typeof CALLS)[number];

interface Case {
  readonly call: CallName;
  readonly kind: 'good' | 'problem';
  readonly lies: readonly Lie[];
}

const GIVE_UP_MS = 1000;
const OWN_CODES = ['aborted', 'closed', 'queue-full', 'epoch-exhausted', 'bad-answer', 'no-answer'];
const json = (body: unknown, headers = {}): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body,
});

function rows(head: string): Answer {
  const from = Number(/offset=(\d+)/.exec(head)?.[1] ?? 3);
  const body = [0, 1, 2].map((at) => ({
    offset: from + at,
    timestamp: 1000 + at,
    epoch: 1,
    value: `v${at}`,
    key: 'k',
  }));
  const headers = {
    'content-type': 'application/x-ndjson',
    'log-commit': '99',
    'log-next-offset': String(from + 3),
  };
  return { status: 200, headers, body, lines: true };
}

const STATUS = {
  id: 'logger-0',
  cluster: 'c',
  version: '1',
  role: 'leader',
  epoch: 1,
  leader: null,
  offsets: { first: 0, commit: 9, end: 9 },
  damage: null,
  members: [],
  consul: { reachable: true, address: null, session: null, error: null },
  label: { enabled: false, wanted: 'leader', observed: null, inSync: true, error: null },
};

function good(head: Question): Answer {
  if (head.startsWith('POST /api/v1/log ')) return json({ offset: 7, count: 1, epoch: 1 });
  if (head.startsWith('GET /api/v1/log?')) return rows(head);
  if (head.includes(' /api/v1/offsets')) return json({ offset: 5 });
  if (head.includes(' /api/v1/status')) return json(STATUS);
  if (head.includes('/transfer')) return json({ epoch: 2, to: 'logger-1' });
  if (head.includes(' /api/v1/producers')) return json({ id: '7', epoch: 1, lastSequence: 3, lastOffset: 4 });
  return json({ wanted: null, members: [] });
}

const problem = (): Answer => ({
  status: 503,
  headers: { 'content-type': 'application/problem+json', 'retry-after': '1' },
  body: {
    type: 'x',
    title: 't',
    status: 503,
    code: 'no-leader',
    detail: 'd',
    outcome: 'refused',
    retryable: true,
  },
});

const isOffset = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function assertRecords(
  records: readonly { offset: number; timestampMs: number; epoch: number }[],
  from: number | null,
): void {
  let next = from;
  for (const { offset, timestampMs, epoch } of records) {
    assert.ok(isOffset(offset) && isOffset(timestampMs) && isOffset(epoch), `a record at ${offset}`);
    if (next !== null) assert.equal(offset, next);
    next = offset + 1;
  }
}

const ACTIONS: Readonly<Record<CallName, (client: LogClient, signal: AbortSignal) => Promise<void>>> = {
  async read(client, signal) {
    const { records, next, commit } = await client.read({ offset: 3, signal });
    assertRecords(records, 3);
    assert.ok(isOffset(commit));
    assert.equal(next, 3 + records.length);
  },
  async follow(client, signal) {
    const records = [];
    for await (const record of client.follow({ offset: 'earliest', signal }))
      if (records.push(record) >= 7) break;
    assertRecords(records, null);
  },
  async offsetAt(client, signal) {
    assert.ok(isOffset(await client.offsetAt(5, { signal })));
  },
  async status(client, signal) {
    const { id, role, epoch } = await client.status({ signal });
    assert.ok(typeof id === 'string' && (role === 'leader' || role === 'follower') && isOffset(epoch));
  },
  async transfer(client, signal) {
    const { epoch, to } = await client.transfer({ signal });
    assert.ok(isOffset(epoch) && typeof to === 'string');
  },
  async membership(client, signal) {
    assertMembership(await client.membership({ signal }));
  },
  async setMembers(client, signal) {
    assertMembership(await client.setMembers(['logger-0'], { signal }));
  },
  async produce(client, signal) {
    const producer = new Producer({
      target: client.connection.settings.seeds as string[],
      retryMaxMs: 5,
      requestTimeoutMs: 200,
    });
    try {
      const { offset, epoch } = await producer.send('value', { signal });
      assert.ok(isOffset(offset) && isOffset(epoch));
    } finally {
      await producer.close({ signal: AbortSignal.abort() });
    }
  },
};

function assertMembership({ wanted, members }: { wanted: unknown; members: unknown }): void {
  assert.ok(
    wanted === null || (Array.isArray(wanted) && wanted.every((id) => typeof id === 'string')),
    'wanted',
  );
  assert.ok(Array.isArray(members) && members.every((member) => typeof member?.id === 'string'), 'members');
}

class Clients implements Rig<Case> {
  #kind: Case['kind'] = 'good';
  readonly #liar: Liar;

  static async open(): Promise<Clients> {
    const box: { rig?: Clients } = {};
    const liar = await Liar.open((question) => (box.rig?.isLying ? problem() : good(question)));
    box.rig = new Clients(liar);
    return box.rig;
  }

  private constructor(liar: Liar) {
    this.#liar = liar;
  }

  /** While there are lies they are damaged problems, if the case says so. */
  get isLying(): boolean {
    return this.#kind === 'problem' && this.#liar.lies.length > 0;
  }

  async run({ call, kind, lies: told }: Case): Promise<void> {
    this.#kind = kind;
    this.#liar.lies = [...told];
    const client = new LogClient({ target: this.#liar.url, retryMaxMs: 5, requestTimeoutMs: 200 });
    try {
      await ACTIONS[call](client, AbortSignal.timeout(GIVE_UP_MS));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      assert.ok(Object.hasOwn(ERRORS, error.code) || OWN_CODES.includes(error.code), error.code);
    } finally {
      await client.close();
      this.#liar.breakAll();
    }
  }

  close(): Promise<void> {
    return this.#liar.close();
  }
}

export const client = target<Case>({
  name: 'client',
  about: 'answers to the client library: rows, status, appends, problems',
  shortCases: 60,
  cases: fc.record({
    call: fc.constantFrom(...CALLS),
    kind: fc.constantFrom('good', 'good', 'problem'),
    lies,
  }),
  open: () => Clients.open(),
});
