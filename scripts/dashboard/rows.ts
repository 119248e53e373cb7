// What the dashboard shows, row by row. A query for something that only trouble brings has `or vector(0)`, so that an empty
// panel always means that nothing was collected; certificates are only there with TLS.
import type { Panel, Query, Row } from './grafana.ts';

const PREFIX = 'distributed_logger_';
const RATE = '[$__rate_interval]';

const query = (expr: string, legend: string): Query => ({ expr, legend });
const loggers = (metric: string, more = ''): string => `${PREFIX}${metric}{<loggers>${more}}`;
const producers = (metric: string): string => `${PREFIX}${metric}{<producers>}`;
const perPod = (metric: string): Query => query(loggers(metric), '{{pod}}');
const sumBy = (labels: string, expr: string): string => `sum by (${labels}) (${expr})`;
const rate = (selected: string): string => `rate(${selected}${RATE})`;
const increase = (selected: string): string => `increase(${selected}${RATE})`;
const orNothing = (expr: string): string => `${expr} or vector(0)`;

/** Of what ended within the interval; none where nothing did. */
const quantiles = (bucket: string, by: string, legend: string): Query[] =>
  [0.5, 0.99].map((quantile) =>
    query(
      `histogram_quantile(${quantile}, ${sumBy(by === '' ? 'le' : `${by}, le`, rate(bucket))})`,
      `${legend} p${quantile * 100}`.trim(),
    ),
  );

const graph = (title: string, about: string, unit: string, ...queries: Query[]): Panel => ({
  kind: 'graph',
  title,
  about,
  unit,
  queries,
});
const bars = (title: string, about: string, ...queries: Query[]): Panel => ({
  ...graph(title, about, 'short', ...queries),
  stacked: true,
});
const stat = (title: string, about: string, expr: string, unit = 'short'): Panel => ({
  kind: 'stat',
  title,
  about,
  unit,
  queries: [query(expr, '')],
});

const NO_YES = [
  [0, 'no', 'red'],
  [1, 'yes', 'green'],
] as const;

const overview: Row = {
  title: 'At a glance',
  panels: [
    {
      ...stat('Leaders', 'One, but for a moment during a takeover.', `sum(${loggers('is_leader')})`),
      values: [
        [0, 'none', 'red'],
        [1, '1', 'green'],
        [2, '2', 'red'],
      ],
    },
    stat('Epoch', 'Number of the present leadership.', `max(${loggers('epoch')})`),
    stat('Members', 'Loggers that count in majorities.', `max(${loggers('members')})`),
    stat(
      'Members that take part',
      'The leader and the followers whose logs match its own.',
      `sum(${loggers('follower_matched')}) + 1`,
    ),
    stat(
      'Records a second',
      'Appended and acknowledged.',
      `sum(${rate(loggers('records_appended_total'))})`,
      'cps',
    ),
    stat(
      'Least room on a volume',
      'As a part of the volume.',
      `min(${loggers('log_disk_free_bytes')} / ${loggers('log_disk_size_bytes')})`,
      'percentunit',
    ),
  ],
};

const leadership: Row = {
  title: 'Leadership',
  panels: [
    {
      kind: 'timeline',
      title: 'Who leads',
      about: 'Each logger as it sees itself. Red: it knows no leader, so that it can only refuse appends.',
      values: [
        [0, 'no leader', 'red'],
        [1, 'follows', 'blue'],
        [2, 'leads', 'green'],
      ],
      queries: [query(`${loggers('is_leader')} + ${loggers('has_leader')}`, '{{pod}}')],
    },
    bars('Elections won', 'By logger.', query(sumBy('pod', increase(loggers('elections_total'))), '{{pod}}')),
    bars(
      'Leaderships lost',
      'By reason: transferred is a planned handover.',
      query(sumBy('reason', increase(loggers('leadership_lost_total'))), '{{reason}}'),
    ),
    graph(
      'Takeover',
      'From losing the leader until the next one took appends, over the time shown.',
      's',
      ...[0.5, 0.99].map((quantile) =>
        query(
          `histogram_quantile(${quantile}, ${sumBy('le', `increase(${loggers('election_duration_seconds_bucket')}[$__range])`)})`,
          `p${quantile * 100}`,
        ),
      ),
    ),
    graph(
      'Epochs heard of and promised',
      'They move together; a logger that stays behind is cut off.',
      'short',
      query(loggers('epoch'), '{{pod}}'),
      query(loggers('promised_epoch'), '{{pod}} promised'),
    ),
    {
      ...graph('Role label as wanted', 'The leader Service routes by it.', 'bool', perPod('label_in_sync')),
      values: NO_YES,
    },
    graph(
      'Calls to the Kubernetes API',
      'None outside a cluster.',
      'reqps',
      query(
        orNothing(sumBy('operation, result', rate(loggers('kubernetes_requests_total')))),
        '{{operation}} {{result}}',
      ),
      query(sumBy('result', rate(loggers('label_patches_total'))), 'label patches {{result}}'),
    ),
  ],
};

const commit: Row = {
  title: 'Commit and lag',
  panels: [
    graph(
      'Commit offset',
      'Lines that lie on each other are loggers in step.',
      'short',
      perPod('log_commit_offset'),
    ),
    graph(
      'Not committed yet',
      'Records beyond the commit, on each logger.',
      'short',
      query(`${loggers('log_end_offset')} - ${loggers('log_commit_offset')}`, '{{pod}}'),
    ),
    graph(
      'Commit stalled for',
      'Above 5 s the leader steps down.',
      's',
      perPod('log_commit_stalled_seconds'),
    ),
    graph(
      'Clocks off by',
      'From the time that a majority of the members agrees on, and how far the log is ahead of that.',
      's',
      perPod('clock_offset_seconds'),
      query(`max(${loggers('log_time_ahead_seconds')})`, 'log ahead'),
    ),
    graph(
      'Follower lag in records',
      'As the leader sees it.',
      'short',
      query(loggers('follower_lag_records'), '{{follower}}'),
    ),
    graph(
      'Follower lag in bytes',
      'As the leader sees it.',
      'bytes',
      query(loggers('follower_lag_bytes'), '{{follower}}'),
    ),
    graph(
      'Follower silent for',
      'Since it last answered the leader.',
      's',
      query(loggers('follower_silent_seconds'), '{{follower}}'),
    ),
  ],
};

const disk: Row = {
  title: 'Disk and network',
  panels: [
    graph(
      'Fsync',
      'Every acknowledgement waits for those of a majority.',
      's',
      ...quantiles(loggers('log_fsync_duration_seconds_bucket'), 'pod', '{{pod}}'),
    ),
    graph(
      'Round trip between loggers',
      'A heartbeat and its echo.',
      's',
      ...quantiles(loggers('peer_round_trip_seconds_bucket'), 'pod, peer', '{{pod}} to {{peer}}'),
    ),
    bars(
      'Heartbeats missed',
      'Overdue by more than an interval. A steady few mean a busy node.',
      query(sumBy('pod, peer', increase(loggers('peer_heartbeats_missed_total'))), '{{pod}} from {{peer}}'),
    ),
    graph('Size of the log', 'All segments.', 'bytes', perPod('log_size_bytes')),
    graph(
      'Room left on the volume',
      'When it is used up, appends are refused with 507.',
      'bytes',
      perPod('log_disk_free_bytes'),
    ),
    graph('Segments', 'Grow by one each 128 MiB, and go by retention.', 'short', perPod('log_segments')),
    graph(
      'Bytes between loggers',
      'Out of each logger.',
      'Bps',
      query(sumBy('pod', rate(loggers('peer_bytes_total', ',direction="out"'))), '{{pod}}'),
    ),
    graph(
      'Connections between loggers',
      'Each should have one to every other.',
      'short',
      query(sumBy('pod', loggers('peer_connected')), '{{pod}}'),
    ),
    graph(
      'Last start',
      'How long opening the log took, and how many damaged logs were put aside.',
      's',
      query(loggers('log_recovery_duration_seconds'), '{{pod}}'),
      query(loggers('log_quarantined_logs'), '{{pod}} damaged logs'),
    ),
  ],
};

const api: Row = {
  title: 'API',
  panels: [
    graph(
      'Append duration',
      'Until the record is committed and answered.',
      's',
      ...quantiles(loggers('append_duration_seconds_bucket'), '', ''),
    ),
    graph(
      'Appends by outcome',
      'Codes are those of the error reference; left: the client went first.',
      'reqps',
      query(sumBy('code', rate(loggers('append_requests_total'))), '{{code}}'),
    ),
    graph(
      'Records and bytes appended',
      'By the leader.',
      'short',
      query(`sum(${rate(loggers('records_appended_total'))})`, 'records/s'),
      query(`sum(${rate(loggers('bytes_appended_total'))})`, 'bytes/s'),
    ),
    graph(
      'Appends that wait',
      'For their commit.',
      'short',
      perPod('append_pending_requests'),
      query(loggers('append_pending_bytes'), '{{pod}} bytes'),
    ),
    graph(
      'Requests by route',
      'All HTTP requests.',
      'reqps',
      query(sumBy('route, status', rate(loggers('http_requests_total'))), '{{route}} {{status}}'),
    ),
    graph(
      'Readers and connections',
      'Live readers are event streams and long-polls.',
      'short',
      query(loggers('readers'), '{{pod}} readers'),
      query(loggers('http_connections'), '{{pod}} connections'),
      query(sumBy('pod', rate(loggers('records_read_total'))), '{{pod}} records read/s'),
    ),
  ],
};

const producer: Row = {
  title: 'Producer',
  panels: [
    graph(
      'Messages acknowledged',
      'A second.',
      'cps',
      query(rate(producers('producer_acknowledged_total')), '{{pod}}'),
    ),
    graph(
      'Acknowledgement',
      'Retries included, so that a failover shows.',
      's',
      ...quantiles(producers('producer_acknowledgement_duration_seconds_bucket'), '', ''),
    ),
    graph(
      'On their way',
      'Sent and not acknowledged.',
      'short',
      query(producers('producer_unacknowledged'), '{{pod}}'),
    ),
    bars(
      'Retries',
      'By reason. A failover brings some, and none is lost.',
      query(sumBy('reason', increase(producers('producer_retries_total'))), '{{reason}}'),
    ),
    bars(
      'Failures',
      'Sends that failed for good.',
      query(orNothing(sumBy('code', increase(producers('producer_failures_total')))), '{{code}}'),
    ),
    graph(
      'Last number',
      'Of the series of messages.',
      'short',
      query(producers('producer_last_acknowledged_number'), '{{pod}}'),
    ),
  ],
};

const consul: Row = {
  title: 'Consul',
  panels: [
    {
      ...graph(
        'Reachable',
        'Without Consul nobody can take over; the present leader goes on.',
        'bool',
        perPod('consul_reachable'),
        perPod('register_readable'),
      ),
      values: NO_YES,
    },
    graph(
      'Calls',
      'By operation and result.',
      'reqps',
      query(sumBy('operation, result', rate(loggers('consul_requests_total'))), '{{operation}} {{result}}'),
    ),
    graph(
      'Duration of calls',
      'A takeover waits for one write of the register.',
      's',
      ...quantiles(loggers('consul_request_duration_seconds_bucket'), '', ''),
    ),
    graph('Session held', 'By the leader.', 'bool', perPod('consul_session_valid')),
    bars(
      'Session renewals',
      'By result.',
      query(sumBy('result', increase(loggers('consul_session_renewals_total'))), '{{result}}'),
    ),
  ],
};

const processes: Row = {
  title: 'Processes',
  panels: [
    graph(
      'CPU',
      'Cores used.',
      'short',
      query('rate(process_cpu_seconds_total{<loggers>}[$__rate_interval])', '{{pod}}'),
      query('rate(process_cpu_seconds_total{<producers>}[$__rate_interval])', '{{pod}}'),
    ),
    graph(
      'Memory',
      'Resident.',
      'bytes',
      query('process_resident_memory_bytes{<loggers>}', '{{pod}}'),
      query('process_resident_memory_bytes{<producers>}', '{{pod}}'),
    ),
    graph(
      'Event-loop lag',
      'Between two turns of a timer of 50 ms, which is what it shows when nothing is late; one in a hundred took longer. Heartbeats have a thread of their own.',
      's',
      query('nodejs_eventloop_lag_p99_seconds{<loggers>}', '{{pod}}'),
    ),
    graph(
      'Garbage collection',
      'Part of the time.',
      'percentunit',
      query(sumBy('pod', 'rate(nodejs_gc_duration_seconds_sum{<loggers>}[$__rate_interval])'), '{{pod}}'),
    ),
    graph('Heap', 'Used.', 'bytes', query('nodejs_heap_size_used_bytes{<loggers>}', '{{pod}}')),
    graph(
      'Up for',
      'Since the process started.',
      's',
      query('time() - process_start_time_seconds{<loggers>}', '{{pod}}'),
    ),
    graph(
      'Certificates expire in',
      'Of API and peers, as each logger uses them now. Empty where TLS is off.',
      's',
      query(`${loggers('tls_certificate_expiry_timestamp_seconds')} - time()`, '{{pod}} {{use}}'),
    ),
  ],
};

export const ROWS: readonly Row[] = [overview, leadership, commit, disk, api, producer, consul, processes];
