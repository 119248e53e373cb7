// Reading the log, and asking the loggers about themselves. Any logger serves committed records, so a reader goes on at
// another one when its own goes away; offsets make that exact.
import type { Membership, Status } from '../api/types.ts';
import { AnswerError, type Call } from './attempt.ts';
import { Connection } from './connection.ts';
import { readBody } from './http.ts';
import { rowsOf } from './rows.ts';
import { isCount, isObject, isText, optional, type ShapeOf, wrongMember } from './shapes.ts';
import type { ClientOptions, ReadRecord, ReadResult } from './types.ts';

const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_READ_BYTES = 8 * 1024 * 1024;
/** How long one poll of `follow` waits; also how soon a reader leaves a logger that is cut off from the others. */
const FOLLOW_WAIT_MS = 5_000;
const FOLLOW_LIMIT = 1_000;

const isMembers = (value: unknown): boolean =>
  Array.isArray(value) && value.every((member) => isObject(member) && isText(member.id));
const isOffsets = (value: unknown): boolean =>
  isObject(value) && wrongMember(value, { first: isCount, commit: isCount, end: isCount }) === null;

const STATUS: ShapeOf<Status> = {
  id: isText,
  role: (value) => value === 'leader' || value === 'follower',
  epoch: isCount,
  offsets: optional(isOffsets),
  members: optional(isMembers),
};
const MEMBERSHIP: ShapeOf<Membership> = {
  wanted: (value) => value === null || (Array.isArray(value) && value.every(isText)),
  members: isMembers,
};

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface FollowOptions extends CallOptions {
  /** First offset wanted: a number, the first one kept, or the next one to be committed. */
  readonly offset?: number | 'earliest' | 'latest';
}

export interface ReadOptions extends FollowOptions {
  /** Most records wanted. An answer also ends at about 8 MiB: `next` says where to go on. */
  readonly limit?: number;
  /** How long to wait for a record where there is none yet. */
  readonly waitMs?: number;
  /** Ask the leader, which makes sure first that it still leads. */
  readonly linearizable?: boolean;
}

export interface Transfer {
  /** The epoch to come. */
  readonly epoch: number;
  readonly to: string;
}

/** Reads, follows and administers a log. A call is repeated until it is answered, or its signal aborts it. */
export class LogClient {
  /** @internal Shared with the producers of this client. */
  readonly connection: Connection;

  constructor(options: ClientOptions) {
    this.connection = new Connection(options);
  }

  /** Records from `offset` on. Rejects with ClientError: offset-gone, offset-out-of-range, aborted and others. */
  async read(options: ReadOptions = {}): Promise<ReadResult> {
    return (await this.#read(options)).value;
  }

  /**
   * Every committed record from `offset` on, in order and each once, whichever loggers serve them. Ends when `signal`
   * aborts; throws ClientError offset-gone when the log no longer begins that low.
   */
  async *follow({ offset = 'earliest', signal }: FollowOptions = {}): AsyncGenerator<ReadRecord, void, void> {
    let next = offset;
    while (!signal?.aborted) {
      let records: readonly ReadRecord[];
      try {
        const poll = { offset: next, limit: FOLLOW_LIMIT, waitMs: FOLLOW_WAIT_MS, signal };
        const { value, url } = await this.#read(poll);
        ({ records, next } = value);
        if (records.length === 0) this.connection.nextReader(url);
      } catch (error) {
        if (signal?.aborted) return;
        throw error;
      }
      yield* records;
    }
  }

  /**
   * Offset of the first committed record whose timestamp is at or after `timestampMs`, or of the record that is committed
   * next where there is none.
   */
  async offsetAt(timestampMs: number, { signal }: CallOptions = {}): Promise<number> {
    const path = `/api/v1/offsets?timestamp=${timestampMs}`;
    const call = jsonCall<{ offset: number }>(path, this.connection, { offset: isCount });
    const { value } = await this.connection.exchange(call, { signal, leaderOnly: false, repeatable: true });
    return value.offset;
  }

  /** The status of a logger: of the given one where the client has a single address, else of any. */
  async status({ signal }: CallOptions = {}): Promise<Status> {
    const call = jsonCall<Status>('/api/v1/status', this.connection, STATUS);
    return (await this.connection.exchange(call, { signal, leaderOnly: false, repeatable: true })).value;
  }

  /**
   * Hands leadership over, to the most caught-up follower unless one is named. Asked only once: a ClientError whose
   * outcome is `unknown` means that the handover may have begun.
   */
  async transfer({ to, signal }: CallOptions & { readonly to?: string } = {}): Promise<Transfer> {
    const call = {
      ...jsonCall<Transfer>('/api/v1/leader/transfer', this.connection, { epoch: isCount, to: isText }),
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ to })),
    } as const;
    const policy = { signal, leaderOnly: true, repeatable: false, final: ['transfer-impossible'] };
    return (await this.connection.exchange(call, policy)).value;
  }

  /** Who is a member, and who shall be, as the leader knows it. */
  async membership({ signal }: CallOptions = {}): Promise<Membership> {
    const call = jsonCall<Membership>('/api/v1/members', this.connection, MEMBERSHIP);
    return (await this.connection.exchange(call, { signal, leaderOnly: true, repeatable: true })).value;
  }

  /**
   * Tells the leader which members there should be, or null to take the wish back. It changes them one at a time, and
   * forgets the wish when its leadership ends. Rejects with ClientError: members-managed, invalid-request and others.
   */
  async setMembers(ids: readonly string[] | null, { signal }: CallOptions = {}): Promise<Membership> {
    const call = {
      ...jsonCall<Membership>('/api/v1/members', this.connection, MEMBERSHIP),
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ ids })),
    } as const;
    return (await this.connection.exchange(call, { signal, leaderOnly: true, repeatable: true })).value;
  }

  /** Ends everything that is going on, as aborted, and closes all connections. */
  close(): Promise<void> {
    return this.connection.close();
  }

  #read({ offset = 'earliest', limit, waitMs = 0, linearizable = false, signal }: ReadOptions) {
    const query = new URLSearchParams({ offset: String(offset) });
    if (limit !== undefined) query.set('limit', String(limit));
    if (waitMs > 0) query.set('wait', `${waitMs}ms`);
    if (linearizable) query.set('consistency', 'linearizable');
    const wanted = typeof offset === 'number' ? offset : null;
    const call: Call<ReadResult> = {
      method: 'GET',
      path: `/api/v1/log?${query}`,
      timeoutMs: this.connection.settings.requestTimeoutMs + waitMs,
      consume: (response) => rowsOf(response, wanted, MAX_READ_BYTES),
    };
    return this.connection.exchange(call, { signal, leaderOnly: linearizable, repeatable: true });
  }
}

/** A GET whose answer is a JSON object with at least the members of `shape`. */
export function jsonCall<T>(path: string, { settings }: Connection, shape: ShapeOf<T>): Call<T> {
  return {
    method: 'GET',
    path,
    timeoutMs: settings.requestTimeoutMs,
    consume: async (response) => {
      const text = (await readBody(response, MAX_ANSWER_BYTES)).toString('utf8');
      return objectOf<T>(text, shape);
    },
  };
}

function objectOf<T>(text: string, shape: ShapeOf<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AnswerError('the answer is not JSON', { cause });
  }
  if (!isObject(value)) throw new AnswerError('the answer is no JSON object');
  const wrong = wrongMember(value, shape);
  if (wrong !== null) throw new AnswerError(`in the answer ${wrong} is missing or wrong`);
  return value as T;
}
