// What follows from a change of the members under this logger's leadership: an event of Kubernetes, a line, a count.
import type { Logger as PinoLogger } from 'pino';
import type { MemberChange } from '../kubernetes/index.ts';
import type { MembersChange } from './driver/index.ts';

export interface MemberChangeParts {
  readonly label: { tell(change: MemberChange): void };
  readonly metrics: { readonly memberChanges: { labels(change: string): { inc(): void } } };
  readonly out: PinoLogger;
}

/** Returns the driver's `onMembers`. */
export function tellMembers({ label, metrics, out }: MemberChangeParts): (change: MembersChange) => void {
  return ({ epoch, revision, added, removed }) => {
    for (const { id, uid } of removed) {
      metrics.memberChanges.labels('removed').inc();
      label.tell({ reason: 'MemberRemoved', epoch, revision, member: id });
      out.info({ event: 'member-removed', epoch, member: id, uid }, `${id} is a member no longer`);
    }
    for (const { id, uid } of added) {
      metrics.memberChanges.labels('added').inc();
      label.tell({ reason: 'MemberAdded', epoch, revision, member: id });
      out.info({ event: 'member-added', epoch, member: id, uid }, `${id} is a member from now on`);
    }
  };
}
