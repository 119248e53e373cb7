// The register: the one key that says who leads in which epoch, and which loggers are members (rule 1 of the protocol). It is
// only written by a transaction that first checks the index that was read, so a write that comes late, or twice, is refused.

import type { CallOptions, ConsulClient, ConsulOperation, KvOperation, TxnOutcome } from './client.ts';
import { ConsulError, RegisterMalformed, rolledBackFor } from './errors.ts';
import { encodeRegister, parseRegister } from './register-value.ts';
import { watchRegister } from './register-watch.ts';
import type { Register, RegisterSnapshot, RegisterValue, WatchHandlers, WriteOutcome } from './types.ts';

type RolledBack = Extract<TxnOutcome, { kind: 'rolled-back' }>;
type Refusal = Extract<WriteOutcome, { kind: 'refused' }>['reason'];
interface Timeout {
  timeoutMs?: number;
}

export class ConsulRegister implements Register {
  readonly key: string;
  readonly #client: ConsulClient;
  readonly #timeoutMs: number;
  #problem: RegisterMalformed | null = null;

  /** `timeoutMs` is the deadline at each server where a call names no other. */
  constructor(client: ConsulClient, cluster: string, timeoutMs: number) {
    this.#client = client;
    this.key = `distributed-logger/${cluster}/leader`;
    this.#timeoutMs = timeoutMs;
  }

  /** What stands in the key instead of a register, for as long as it does; null while it is one, or nothing. */
  get problem(): RegisterMalformed | null {
    return this.#problem;
  }

  async read(options: Timeout = {}): Promise<RegisterSnapshot> {
    return this.#parsed(await this.#client.key(this.key, this.#call('register_read', options)));
  }

  #parsed(answer: Awaited<ReturnType<ConsulClient['key']>>): RegisterSnapshot {
    try {
      const snapshot = snapshotOf(this.key, answer);
      this.#problem = null;
      return snapshot;
    } catch (error) {
      if (error instanceof RegisterMalformed) this.#problem = error;
      throw error;
    }
  }

  async take(
    seen: RegisterSnapshot,
    value: RegisterValue,
    session: string,
    options: Timeout = {},
  ): Promise<WriteOutcome> {
    const unlock = seen.session === null ? [] : [this.#op('unlock', value, seen.session)];
    const operations = [this.#unchanged(seen), ...unlock, this.#op('lock', value, session)];
    return this.#write(operations, { value, session }, this.#call('register_take', options));
  }

  /** `lock` by the present holder writes the value and keeps LockIndex, where `set` would put it back to 0. */
  async update(
    seen: RegisterSnapshot,
    value: RegisterValue,
    session: string,
    options: Timeout = {},
  ): Promise<WriteOutcome> {
    const held: KvOperation = { Verb: 'check-session', Key: this.key, Session: session };
    const operations = [this.#unchanged(seen), held, this.#op('lock', value, session)];
    return this.#write(operations, { value, session }, this.#call('register_update', options));
  }

  async release(seen: RegisterSnapshot, session: string, options: Timeout = {}): Promise<WriteOutcome> {
    if (seen.value === null) throw new RangeError('a register that does not exist cannot be released');
    const operations = [this.#unchanged(seen), this.#op('unlock', seen.value, session)];
    const wanted = { value: seen.value, session: null };
    return this.#write(operations, wanted, this.#call('register_release', options));
  }

  watch(handlers: WatchHandlers, signal: AbortSignal): void {
    watchRegister(this.#client, this.key, (answer) => this.#parsed(answer), handlers, signal);
  }

  async #write(
    operations: readonly KvOperation[],
    wanted: Omit<RegisterSnapshot, 'index'>,
    call: CallOptions,
  ): Promise<WriteOutcome> {
    try {
      const outcome = await this.#client.transact(
        operations.map((KV) => ({ KV })),
        call,
      );
      // An index of 0 would stand for a register that does not exist.
      if (outcome.kind === 'committed' && outcome.modifyIndex === 0)
        throw new ConsulError('malformed', 'the transaction was answered without an index', {
          maybeDone: true,
        });
      if (outcome.kind === 'committed')
        return { kind: 'done', snapshot: { ...wanted, index: outcome.modifyIndex } };
      return await this.#rolledBack(outcome, operations, wanted, call);
    } catch (error) {
      return { kind: 'unknown', cause: error as Error };
    }
  }

  /**
   * The transaction answers "no", but when an earlier attempt may have gone through, that "no" may be the answer to a
   * repeat. What stands in the register decides then: our own value under our own session is a success.
   */
  async #rolledBack(
    { errors, doubt }: RolledBack,
    operations: readonly KvOperation[],
    wanted: Omit<RegisterSnapshot, 'index'>,
    call: CallOptions,
  ): Promise<WriteOutcome> {
    const reason = refusalOf(errors, operations);
    if (reason === null) return { kind: 'unknown', cause: rolledBackFor(errors) };
    const now = await this.read({ timeoutMs: call.timeoutMs });
    if (doubt === null || reason !== 'index-moved') return { kind: 'refused', reason, now };
    if (standsAs(wanted, now)) return { kind: 'done', snapshot: now };
    return { kind: 'unknown', cause: doubt };
  }

  #call(operation: ConsulOperation, { timeoutMs = this.#timeoutMs }: Timeout): CallOptions {
    return { operation, timeoutMs };
  }

  #unchanged(seen: RegisterSnapshot): KvOperation {
    if (seen.index === 0) return { Verb: 'check-not-exists', Key: this.key };
    return { Verb: 'check-index', Key: this.key, Index: seen.index };
  }

  #op(verb: 'lock' | 'unlock', value: RegisterValue, session: string): KvOperation {
    return { Verb: verb, Key: this.key, Value: encodeRegister(value), Session: session };
  }
}

/** Throws RegisterMalformed when the key holds something else than a register. */
export function snapshotOf(
  key: string,
  { pair }: Awaited<ReturnType<ConsulClient['key']>>,
): RegisterSnapshot {
  if (pair === null) return { value: null, index: 0, session: null };
  const { value, modifyIndex, session } = pair;
  return { value: parseRegister(value, key, modifyIndex), index: modifyIndex, session };
}

/**
 * Which of the checks failed. Consul runs all operations and reports each that fails, so a moved index, reported first,
 * explains the others. Null when none of them is the cause, such as a token that may not write.
 */
function refusalOf(errors: RolledBack['errors'], operations: readonly KvOperation[]): Refusal | null {
  const failed = (...verbs: KvOperation['Verb'][]) =>
    errors.find(({ operation }) => verbs.includes(operations[operation]?.Verb as KvOperation['Verb']))
      ?.what ?? '';
  if (/index check|check index|exists/.test(failed('check-index', 'check-not-exists'))) return 'index-moved';
  if (/invalid session|session lookup/.test(failed('lock'))) return 'session-invalid';
  if (/failed session check/.test(failed('check-session'))) return 'lock-held';
  if (/lock is already held|lock isn't held/.test(failed('lock', 'unlock'))) return 'lock-held';
  return null;
}

/** A revision is never used twice in one leadership, and no other process has this incarnation. */
const standsAs = (wanted: Omit<RegisterSnapshot, 'index'>, now: RegisterSnapshot): boolean =>
  now.session === wanted.session &&
  now.value?.epoch === wanted.value?.epoch &&
  now.value?.revision === wanted.value?.revision &&
  now.value?.leader.incarnation === wanted.value?.leader.incarnation;
