// The register's value as it stands in Consul: JSON, checked field by field on the way in and on the way out. What does
// not pass is an error that an operator has to look at, since a leader elected on a misread register could lose records.

import type { Member, MembersVersion } from '../log/types.ts';
import { RegisterMalformed } from './errors.ts';
import type { LeaderEntry, RegisterValue } from './types.ts';

const maxMembers = 100;

/** As older versions of this software write it. */
type Unversioned = Omit<RegisterValue, 'membersVersion'> & { readonly membersVersion?: MembersVersion };

/** Throws RegisterMalformed, which names the key and the first problem. */
export function parseRegister(text: string, key: string, index: number): RegisterValue {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new RegisterMalformed(key, index, 'it is not JSON');
  }
  const problem = problemOf(parsed);
  if (problem !== null) throw new RegisterMalformed(key, index, problem);
  const { epoch, leader, members, membersVersion, revision } = parsed as Unversioned;
  return {
    epoch,
    leader: leaderOf(leader),
    members: members.map(memberOf),
    membersVersion: versionOf(membersVersion ?? { epoch: 0, revision: 0 }),
    revision,
  };
}

/** As Consul's transactions want it. Throws RangeError for a value that no logger could read back. */
export function encodeRegister({ epoch, leader, members, membersVersion, revision }: RegisterValue): string {
  const value = {
    epoch,
    leader: leaderOf(leader),
    members: members.map(memberOf),
    membersVersion: versionOf(membersVersion),
    revision,
  };
  const problem = problemOf(value);
  if (problem !== null) throw new RangeError(`this is no register: ${problem}`);
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

const leaderOf = ({ id, incarnation, api, peer }: LeaderEntry): LeaderEntry => ({
  id,
  incarnation,
  api,
  peer,
});
const versionOf = ({ epoch, revision }: MembersVersion): MembersVersion => ({ epoch, revision });
const memberOf = ({ id, uid, peer }: Member): Member => ({ id, uid, peer });

function problemOf(value: unknown): string | null {
  if (!isFields(value)) return 'it is not an object';
  if (!isCount(value.epoch) || value.epoch === 0) return 'epoch is not a whole number from 1 on';
  if (!isCount(value.revision)) return 'revision is not a whole number from 0 on';
  const { leader, members, membersVersion } = value;
  if (membersVersion !== undefined && !isVersion(membersVersion))
    return 'membersVersion lacks a whole epoch or revision';
  if (!hasTexts(leader, ['id', 'incarnation', 'api', 'peer']))
    return 'leader lacks id, incarnation, api or peer';
  if (!Array.isArray(members) || members.length === 0)
    return 'members is not a list with at least one member';
  if (members.length > maxMembers) return `members is longer than ${maxMembers}`;
  if (!members.every((member) => hasTexts(member, ['id', 'uid', 'peer'])))
    return 'a member lacks id, uid or peer';
  if (new Set(members.map(({ id }) => id)).size < members.length) return 'two members have the same id';
  if (new Set(members.map(({ uid }) => uid)).size < members.length) return 'two members have the same uid';
  return null;
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isVersion = (value: unknown): boolean =>
  isFields(value) && isCount(value.epoch) && isCount(value.revision);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const hasTexts = (value: unknown, names: readonly string[]): boolean =>
  isFields(value) && names.every((name) => typeof value[name] === 'string' && value[name] !== '');
