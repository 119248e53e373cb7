// Series for the tests of the alerts: a healthy cluster of three, and what is different in each case. Every series has a
// sample each 15 s for 100 minutes, and the alerts are looked at when these are over.

export const STEP = '15s';
const STEPS_PER_MINUTE = 4;
export const END_MINUTES = 100;
const STEPS = END_MINUTES * STEPS_PER_MINUTE;

type SeriesSet = Readonly<Record<string, string>>;

export interface AlertCase {
  readonly alert: string;
  readonly what: string;
  readonly series: SeriesSet;
  /** Number of series that it fires for. */
  readonly fires: number;
}

const LEADER = 'logger-0';
const FOLLOWERS = ['logger-1', 'logger-2'];
const PODS = [LEADER, ...FOLLOWERS];

const labels = (pod: string, more = ''): string =>
  `job="distributed-logger",namespace="default",logger_cluster="distributed-logger",pod="${pod}",instance="${pod}:8080"${more}`;
const up = (pod: string): string => `up{${labels(pod)}}`;
const name = (metric: string, pod: string, more = ''): string =>
  `distributed_logger_${metric}{${labels(pod, more)}}`;
const follower = (metric: string, id: string): string =>
  name(`follower_${metric}`, LEADER, `,follower="${id}"`);
const appends = (code: string): string => name('append_requests_total', LEADER, `,code="${code}"`);
/** The wanted number of loggers, by kube-state-metrics. */
const wanted =
  'kube_statefulset_replicas{job="kube-state-metrics",namespace="default",statefulset="distributed-logger"}';
const otherWanted = wanted.replace('statefulset="distributed-logger"', 'statefulset="other"');
const stuck = name('leadership_lost_total', LEADER, ',reason="stuck"');

const always = (value: number): string => `${value}+0x${STEPS}`;
/** Grows by so much with each sample. */
const growing = (perStep: number, from = 0): string => `${from}${perStep < 0 ? '' : '+'}${perStep}x${STEPS}`;
/** One value, and for the last minutes another. */
function since(minutes: number, then: number, before: number): string {
  const steps = minutes * STEPS_PER_MINUTE;
  return `${before}+0x${STEPS - steps - 1} ${then}+0x${steps}`;
}
/** Not scraped any more. */
function gone(minutes: number, before: number): string {
  const steps = minutes * STEPS_PER_MINUTE;
  return `${before}+0x${STEPS - steps - 1} stale _x${steps}`;
}

/** Fsyncs in their buckets: `slow` of 1000 take between 0.1 and 0.25 s, the rest less than 2 ms. */
const fsyncs = (pod: string, slow: number): SeriesSet => {
  const bucket = (le: string): string => name('log_fsync_duration_seconds_bucket', pod, `,le="${le}"`);
  const fast = growing(1000 - slow);
  return {
    [bucket('0.002')]: fast,
    [bucket('0.1')]: fast,
    [bucket('0.25')]: growing(1000),
    [bucket('+Inf')]: growing(1000),
  };
};

const GIGABYTE = 1e9;

const expiry = (pod: string, use: string): string =>
  name('tls_certificate_expiry_timestamp_seconds', pod, `,use="${use}"`);
/** The time at which a certificate expires that has so many days left at the end; the clock of these tests begins at 0. */
const inDays = (days: number): number => days * 86_400 + END_MINUTES * 60;

function logger(pod: string, members: number): SeriesSet {
  return {
    [up(pod)]: always(1),
    [name('is_leader', pod)]: always(pod === LEADER ? 1 : 0),
    [name('is_member', pod)]: always(1),
    [name('members', pod)]: always(members),
    [name('label_in_sync', pod)]: always(1),
    [name('leader_changes_total', pod)]: always(1),
    [name('log_commit_stalled_seconds', pod)]: always(0),
    [name('clock_offset_seconds', pod)]: always(0.001),
    [name('log_time_ahead_seconds', pod)]: always(0),
    [name('consul_reachable', pod)]: always(1),
    [name('register_readable', pod)]: always(1),
    [name('log_disk_free_bytes', pod)]: always(4 * GIGABYTE),
    [name('log_disk_size_bytes', pod)]: always(8 * GIGABYTE),
    [name('log_disk_full', pod)]: always(0),
    [name('log_damaged', pod)]: always(0),
    [name('log_quarantined_logs', pod)]: always(0),
    [expiry(pod, 'api')]: always(inDays(60)),
    [expiry(pod, 'peer')]: always(inDays(30)),
    ...fsyncs(pod, 0),
  };
}

/** A cluster of so many loggers, of which the first leads, with what is different. */
export function healthy(different: SeriesSet = {}, size = 3): SeriesSet {
  const pods = Array.from({ length: size }, (_, at) => `logger-${at}`);
  const all = Object.assign({}, ...pods.map((pod) => logger(pod, size))) as Record<string, string>;
  for (const pod of pods.slice(1)) {
    all[follower('matched', pod)] = always(1);
    all[follower('lag_records', pod)] = always(3);
  }
  return {
    ...all,
    [appends('ok')]: growing(1000),
    [appends('no-leader')]: always(0),
    [stuck]: always(0),
    ...different,
  };
}

const each = (metric: (pod: string) => string, values: string, pods = PODS): SeriesSet =>
  Object.fromEntries(pods.map((pod) => [metric(pod), values]));
const [first = '', second = ''] = FOLLOWERS;

const about =
  (alert: string) =>
  (fires: number, what: string, different: SeriesSet, size?: number): AlertCase => ({
    alert: `DistributedLogger${alert}`,
    what,
    series: healthy(different, size),
    fires,
  });

const noLeader = about('NoLeader');
const twoLeaders = about('MoreThanOneLeader');
const label = about('LabelMismatch');
const flapping = about('LeadershipFlapping');
const quorum = about('QuorumAtRisk');
const lagging = about('FollowerLagging');
const stalled = about('CommitStalled');
const slow = about('SlowFsync');
const consul = about('ConsulUnreachable');
const clock = about('ClockWrong');
const timeAhead = about('LogTimeAhead');
const unreadable = about('RegisterUnreadable');
const expiring = about('CertificateExpiring');
const almostExpired = about('CertificateAlmostExpired');
const filling = about('DiskFilling');
const fullSoon = about('DiskFullSoon');
const full = about('DiskFull');
const damaged = about('LogDamaged');
const errors = about('AppendErrors');
const missing = about('ScrapeMissing');

const isLeader = (pod: string): string => name('is_leader', pod);
const room = (pod: string): string => name('log_disk_free_bytes', pod);
const withoutLeader = {
  ...each((pod) => follower('matched', pod), gone(3, 1), FOLLOWERS),
  [isLeader(LEADER)]: gone(3, 1),
};

export const CASES: readonly AlertCase[] = [
  noLeader(1, 'nobody has led for 30 s', { [isLeader(LEADER)]: since(0.5, 0, 1) }),
  noLeader(1, 'no logger is seen at all', each(isLeader, gone(1, 0))),
  noLeader(1, 'none is seen, though three are wanted', {
    ...each(isLeader, gone(1, 0)),
    [wanted]: always(3),
  }),
  noLeader(1, 'none is seen, and it is another StatefulSet that is switched off', {
    ...each(isLeader, gone(1, 0)),
    [otherWanted]: always(0),
  }),
  noLeader(0, 'none is wanted', { ...each(isLeader, gone(30, 0)), [wanted]: since(30, 0, 3) }),
  noLeader(1, 'none is wanted, but there are some, none of which leads', {
    [isLeader(LEADER)]: since(0.5, 0, 1),
    [wanted]: since(0.5, 0, 3),
  }),
  noLeader(0, 'a takeover of 15 s', { [isLeader(LEADER)]: since(0.25, 0, 1) }),

  twoLeaders(1, 'two have led for 30 s', { [isLeader(first)]: since(0.5, 1, 0) }),
  twoLeaders(0, 'the old one was seen once beside the new one', { [isLeader(first)]: since(0.25, 1, 0) }),

  label(1, 'for 30 s', { [name('label_in_sync', first)]: since(0.5, 0, 1) }),
  label(0, 'for one look, as in each takeover', { [name('label_in_sync', first)]: since(0.25, 0, 1) }),

  flapping(1, 'six changes in 12 minutes', {
    [name('leader_changes_total', first)]: `1+0x351 2+0x8 3+0x8 4+0x8 5+0x8 6+0x8 7+0x3`,
  }),
  flapping(0, 'a rollout of three loggers', {
    [name('leader_changes_total', first)]: `1+0x380 2+0x5 3+0x5 4+0x7`,
  }),

  quorum(1, 'one of three has not followed for 2 minutes', { [follower('matched', first)]: since(2, 0, 1) }),
  quorum(1, 'one of three is gone, and there is no leader to say so', {
    ...withoutLeader,
    [name('is_member', LEADER)]: gone(3, 1),
  }),
  quorum(0, 'one of three was away for a minute', { [follower('matched', first)]: since(1, 0, 1) }),
  quorum(0, 'one of five is gone', { [follower('matched', first)]: since(5, 0, 1) }, 5),
  quorum(
    1,
    'two of five are gone',
    each((pod) => follower('matched', pod), since(5, 0, 1), FOLLOWERS),
    5,
  ),
  quorum(0, 'there is only one logger, by choice', {}, 1),

  lagging(1, '10,001 records behind for 5 minutes', {
    [follower('lag_records', first)]: since(5, 10_001, 3),
  }),
  lagging(1, 'not matched for 5 minutes', { [follower('matched', first)]: since(5, 0, 1) }),
  lagging(0, '10,000 records behind', { [follower('lag_records', first)]: since(20, 10_000, 3) }),
  lagging(0, 'far behind for 4 minutes', { [follower('lag_records', first)]: since(4, 1e6, 3) }),

  stalled(1, 'records wait for 2.5 s', { [name('log_commit_stalled_seconds', LEADER)]: since(0, 2.5, 0) }),
  stalled(1, 'a leader stepped down since its commit stood still', { [stuck]: since(1, 1, 0) }),
  stalled(0, 'records wait for 2 s', { [name('log_commit_stalled_seconds', LEADER)]: since(10, 2, 0) }),

  slow(1, 'two in a hundred take longer than 0.1 s', fsyncs(first, 20)),
  slow(0, 'five in a thousand do', fsyncs(first, 5)),

  consul(
    3,
    'no logger reaches it for a minute',
    each((pod) => name('consul_reachable', pod), since(1, 0, 1)),
  ),
  consul(0, 'one logger misses it for 45 s', { [name('consul_reachable', first)]: since(0.75, 0, 1) }),

  clock(2, 'one is an hour ahead, another one 11 s behind', {
    [name('clock_offset_seconds', first)]: since(2, 3600, 0),
    [name('clock_offset_seconds', second)]: since(2, -11, 0),
  }),
  clock(0, 'one is 9 s behind', { [name('clock_offset_seconds', first)]: since(20, -9, 0) }),
  clock(0, 'one is set within a minute', { [name('clock_offset_seconds', first)]: since(1, 3600, 0) }),

  timeAhead(
    1,
    'the log is 61 s ahead for 5 minutes',
    each((pod) => name('log_time_ahead_seconds', pod), since(5, 61, 0)),
  ),
  timeAhead(0, 'it was half a minute ahead', { [name('log_time_ahead_seconds', LEADER)]: since(20, 30, 0) }),
  unreadable(
    3,
    'something else stands in its place for a minute',
    each((pod) => name('register_readable', pod), since(1, 0, 1)),
  ),
  unreadable(0, 'it does for 45 s', { [name('register_readable', first)]: since(0.75, 0, 1) }),

  expiring(1, '13.9 days are left', { [expiry(first, 'peer')]: always(inDays(13.9)) }),
  expiring(0, '14.1 days are left', { [expiry(first, 'api')]: always(inDays(14.1)) }),
  expiring(0, 'there have been less than 14 days for 10 minutes, in which a renewal may be under way', {
    [expiry(first, 'api')]: always(inDays(14) - 600),
  }),
  almostExpired(6, 'all have expired', {
    ...each((pod) => expiry(pod, 'api'), always(0)),
    ...each((pod) => expiry(pod, 'peer'), always(0)),
  }),
  almostExpired(1, 'a day is left', { [expiry(second, 'api')]: always(inDays(1)) }),
  almostExpired(0, '3 days are left', { [expiry(second, 'api')]: always(inDays(3)) }),

  filling(1, 'an eighth is left for 5 minutes', { [room(first)]: since(5, GIGABYTE, 4 * GIGABYTE) }),
  filling(0, 'a quarter is left', { [room(first)]: since(20, 2 * GIGABYTE, 4 * GIGABYTE) }),

  fullSoon(1, '1.2 GB go in an hour, and 4 GB are left', { [room(second)]: growing(-5e6, 6 * GIGABYTE) }),
  fullSoon(0, '0.24 GB go in an hour', { [room(second)]: growing(-1e6, 4 * GIGABYTE) }),

  full(1, 'from the first refused write on', { [name('log_disk_full', second)]: since(0, 1, 0) }),
  full(0, 'no longer', { [name('log_disk_full', second)]: `0+0x100 1+0x100 0+0x198` }),

  damaged(1, 'a read has found damage', { [name('log_damaged', first)]: since(0, 1, 0) }),
  damaged(1, 'a start has put a log aside', { [name('log_quarantined_logs', second)]: since(0, 1, 0) }),
  damaged(0, 'a log that was put aside is deleted', {
    [name('log_quarantined_logs', second)]: since(10, 0, 1),
  }),

  errors(1, 'a tenth of the appends finds no leader', { [appends('no-leader')]: growing(111) }),
  errors(0, 'two in a hundred do', { [appends('no-leader')]: growing(20) }),
  errors(0, 'half of the appends are wrong by the client’s own fault', {
    [appends('sequence-gap')]: growing(1000),
  }),
  errors(0, 'most are sent on to the leader', { [appends('redirected')]: growing(9000) }),

  missing(1, 'one logger has not answered for 2 minutes', { [up(second)]: since(2, 0, 1) }),
  missing(1, 'one logger is not among the targets any more', { [up(second)]: gone(3, 1) }),
  missing(1, 'none is', each(up, gone(10, 1))),
  missing(0, 'none is wanted', {
    ...each(up, gone(30, 1)),
    [wanted]: since(30, 0, 3),
    ...each((pod) => name('members', pod), gone(30, 3)),
  }),
  missing(0, 'one logger starts again within a minute', { [up(second)]: since(1, 0, 1) }),
];
