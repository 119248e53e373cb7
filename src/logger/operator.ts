// What operators tell a logger outside Kubernetes: who shall be a member, and that a lost register may be rebuilt.
//
// A wish about members ends with the leadership that it was told to: a logger that leads again much later must not carry
// out what was wanted then. Whoever wished it asks the next leader again.
import { LoggerError } from '../errors.ts';
import type { ReplicatedLog } from './replicated-log.ts';

export interface Operated extends Pick<ReplicatedLog, 'role' | 'members' | 'onRole'> {
  setWantedMembers(ids: readonly string[] | null): void;
  rebuildRegister(): void;
}

export class Operator {
  readonly #replicated: Operated;
  /** The StatefulSet decides who is a member. */
  readonly #managed: boolean;
  #wanted: readonly string[] | null = null;

  constructor(replicated: Operated, managed: boolean) {
    this.#replicated = replicated;
    this.#managed = managed;
    replicated.onRole(({ kind }) => {
      if (kind !== 'leader' && this.#wanted !== null) this.#want(null);
    });
  }

  get wanted(): readonly string[] | null {
    return this.#wanted;
  }

  setWantedMembers(ids: readonly string[] | null): void {
    if (this.#managed) throw new LoggerError('members-managed');
    const { role, members } = this.#replicated;
    if (role.kind !== 'leader') throw new LoggerError('not-leader');
    // Members that are wanted but not there are waited for, others go at once: a slip must not leave the leader alone.
    if (ids !== null && !members.some(({ id }) => ids.includes(id)))
      throw new LoggerError('invalid-request', 'none of ids is a member now');
    this.#want(ids);
  }

  rebuildRegister(): void {
    const { role } = this.#replicated;
    if (role.kind === 'leader' || role.leader !== null) throw new LoggerError('leader-present');
    this.#replicated.rebuildRegister();
  }

  #want(ids: readonly string[] | null): void {
    this.#wanted = ids;
    this.#replicated.setWantedMembers(ids);
  }
}
