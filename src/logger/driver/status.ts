// What this logger knows of the members, for the status page and metrics.
import type { MemberStatus } from '../../api/types.ts';
import type { State } from '../../replica/index.ts';

/** `apis`: base URL of a logger's API by its id, where it is known. */
export function memberStatus(s: Readonly<State>, apis: ReadonlyMap<string, string>): MemberStatus[] {
  const members = s.leading?.members ?? s.membersSeen;
  const leaderUid = s.leading ? s.config.self.uid : (s.leader?.uid ?? null);
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
