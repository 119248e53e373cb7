// Tells how the members change while this logger leads. Those of a leadership's beginning are no change: they stood in the
// register before. A logger that comes back with an empty disk is a new member in place of the old one, by its uid.
import type { State } from '../../replica/index.ts';
import type { MembersChange } from './outside.ts';

type Seen = Pick<NonNullable<State['leading']>, 'claim' | 'members'>;

export class MemberWatch {
  readonly #state: Readonly<Pick<State, 'leading'>>;
  readonly #tell: (change: MembersChange) => void;
  #seen: Seen | null = null;

  constructor(
    state: Readonly<Pick<State, 'leading'>>,
    tell: (change: MembersChange) => void = () => undefined,
  ) {
    this.#state = state;
    this.#tell = tell;
  }

  /** After every event; costs two comparisons when nothing has changed. */
  look(): void {
    const { leading } = this.#state;
    const seen = this.#seen;
    if (seen === null ? leading === null : seen.members === leading?.members) return;
    this.#seen = leading && { claim: leading.claim, members: leading.members };
    if (!seen || !leading || seen.claim !== leading.claim) return;
    const added = missing(leading.members, seen.members);
    const removed = missing(seen.members, leading.members);
    if (added.length + removed.length === 0) return;
    this.#tell({ epoch: leading.claim.epoch, revision: leading.settledRevision, added, removed });
  }
}

const missing = (members: Seen['members'], among: Seen['members']): Seen['members'] =>
  members.filter(({ uid }) => !among.some((other) => other.uid === uid));
