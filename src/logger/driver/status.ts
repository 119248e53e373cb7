// What this logger knows of the members, for the status page and metrics.
import type { MemberStatus } from '../../api/types.ts';
import type { State } from '../../replica/index.ts';

/** `apis`: base URL of a logger's API by its id, where it is known. */
export function memberStatus(s: Readonly<State>, apis: ReadonlyMap<string, string>): MemberStatus[] {
  const members = s.leading?.members ?? s.membersSeen;
  // A leader that was lost is remembered, and leads no more.
  const known = s.role.kind === 'following' ? (s.leader?.uid ?? null) : null;
  const leaderUid = s.leading ? s.config.self.uid : known;
  return members.map(({ id, uid, peer }) => {
    const own = uid === s.config.self.uid;
    const follower = s.leading?.followers.get(uid);
    const end = own ? s.log.end : follower?.matched ? follower.position.end : null;
    return {
      id,
      uid,
      peer,
      api: apis.get(id) ?? null,
      role: uid === leaderUid ? 'leader' : 'follower',
      connected: own || s.byUid.has(uid),
      end,
      lag: end === null || !s.leading ? null : Math.max(0, s.log.end - end),
    };
  });
}

/** What the leader alone knows of the other members. */
export interface FollowerState {
  readonly id: string;
  readonly connected: boolean;
  /** Its acknowledgements count (rule 4). */
  readonly matched: boolean;
  /** Of its log, as far as it is this leader's; null while it is not matched. */
  readonly end: number | null;
  /** When it last answered in this epoch, in the clock's milliseconds; null: never. */
  readonly heardMs: number | null;
}

/** Empty while this logger does not lead. */
export function followerStates({ leading, config, byUid }: Readonly<State>): FollowerState[] {
  if (!leading) return [];
  return leading.members
    .filter(({ uid }) => uid !== config.self.uid)
    .map(({ id, uid }) => {
      const follower = leading.followers.get(uid);
      const matched = follower?.matched === true;
      return {
        id,
        connected: byUid.has(uid),
        matched,
        end: matched ? follower.position.end : null,
        heardMs: leading.heardMs.get(uid) ?? null,
      };
    });
}

/** Milliseconds for which records have waited without any commit; 0 when none waits here. */
export function commitStalledMs({ leading, log, commit }: Readonly<State>, nowMs: number): number {
  if (leading?.phase !== 'serving' || log.end <= commit) return 0;
  return Math.max(0, nowMs - leading.movedMs);
}
