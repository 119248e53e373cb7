// A real Prometheus with the chart's own rules beside real loggers, a producer and readers, through failovers and a loss of
// the majority: the alerts fire and end, every query of the dashboard comes to something, every name in the rules exists.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { dashboardFile, renderAlerts } from '../../scripts/render.ts';
import { Authority, putFile, putPair } from '../support/authority.ts';
import { testConsul } from '../support/consul.ts';
import { eventually } from '../support/eventually.ts';
import type { LoggerProcess } from '../support/logger-process.ts';
import { Loggers } from '../support/loggers.ts';
import { startProducer } from '../support/producer-process.ts';
import { type FiringAlert, Prometheus, promtool, type Target } from '../support/prometheus.ts';

const NAMESPACE = 'monitored';
const RATE = 50;
/** By how much the alerts' own waiting times are shortened. */
const HASTE = 30;
/** Long enough for a rate over it, with two scrapes a second. */
const CALM_MS = 8000;
/** What Grafana would put in for its own variables. */
const RATE_INTERVAL = '4s';
const RANGE = '3m';
const SHOWN_SECONDS = 180;

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
interface DashboardPanel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

/** The chart's rules with every `for` a thirtieth of what it is. */
const hastened = (rules: string): string =>
  rules.replaceAll(/^( *)for: (\d+)(s|m)$/gm, (_, indent: string, number: string, unit: string) => {
    const ms = Number(number) * (unit === 'm' ? 60_000 : 1000);
    return `${indent}for: ${ms / HASTE}ms`;
  });

describe('monitoring', () => {
  const ends: (() => Promise<void>)[] = [];
  const owner = {
    after: (end: () => Promise<void>) => void ends.push(end),
    diagnostic: (message: string) => console.log(message),
  };
  let loggers: Loggers;
  let certificates: string;
  let producer: string;
  let prometheus: Prometheus;
  let rules: Rule[];
  let panels: DashboardPanel[];
  const reading = new AbortController();

  before(async () => {
    const consul = await testConsul(owner);
    certificates = await mkdtemp(join(tmpdir(), 'distributed-logger-certificates-'));
    owner.after(() => rm(certificates, { recursive: true, force: true }));
    loggers = await Loggers.start(owner, {
      consulUrls: consul.urls,
      environment: await peerTls(certificates),
    });
    producer = await startProducer(owner, loggers.apis, RATE);
    void readOn(loggers, reading.signal);
    const text = await renderAlerts([
      ...['--namespace', NAMESPACE],
      ...['--set', `logger.cluster=${loggers.cluster}`],
      // How fast this machine and its disk are is not what is tested.
      ...['--set', 'monitoring.rules.thresholds.slowFsyncSeconds=9'],
      ...['--set', 'monitoring.rules.thresholds.commitStalledSeconds=9'],
      // These certificates live for a day.
      ...['--set-json', 'monitoring.rules.thresholds.certificateExpiringDays=0.5'],
      ...['--set-json', 'monitoring.rules.thresholds.certificateAlmostExpiredDays=0.1'],
    ]);
    rules = (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
    const dashboard = (await readFile(dashboardFile, 'utf8'))
      .replaceAll('$namespace', NAMESPACE)
      .replaceAll('$cluster', loggers.cluster)
      .replaceAll('$__rate_interval', RATE_INTERVAL)
      .replaceAll('$__range', RANGE);
    panels = (JSON.parse(dashboard) as { panels: DashboardPanel[] }).panels;
    prometheus = await Prometheus.start(owner, targetsOf(loggers, producer), hastened(text));
  });
  after(async () => {
    reading.abort();
    for (const end of ends.reverse()) await end();
  });

  const active = async (): Promise<FiringAlert[]> =>
    (await prometheus.alerts()).filter(({ state }) => state === 'firing');
  const firing = (name: string): Promise<FiringAlert> =>
    eventually(`${name} fires`, async () =>
      (await active()).find(({ labels }) => labels.alertname === `DistributedLogger${name}`),
    );
  const over = (name: string): Promise<boolean> =>
    eventually(`${name} is over`, async () =>
      (await active()).every(({ labels }) => labels.alertname !== `DistributedLogger${name}`),
    );

  it('no alert fires while all is well', async () => {
    await eventually('every logger is scraped', async () => {
      const up = await prometheus.query(
        `up{job="distributed-logger",logger_cluster="${loggers.cluster}"} == 1`,
      );
      return up.length === loggers.all.length;
    });
    await sleep(CALM_MS);
    assert.deepEqual(await active(), []);
  });

  it('a failover: QuorumAtRisk fires while the old leader is away, and ends when it is back', async () => {
    const leader = await loggers.inSync();
    await leader.kill();
    const alert = await firing('QuorumAtRisk');
    assert.equal(alert.labels.severity, 'critical');
    assert.deepEqual([alert.labels.namespace, alert.labels.logger_cluster], [NAMESPACE, loggers.cluster]);
    assert.match(alert.annotations.description ?? '', /^Only 2 members take part/);
    assertReadable(alert);
    await firing('ScrapeMissing');
    leader.start();
    await loggers.inSync();
    await over('QuorumAtRisk');
    await over('ScrapeMissing');
  });

  it('the majority is lost: NoLeader fires, and ends when there is a leader again', async () => {
    const leader = await loggers.inSync();
    const others = loggers.others(leader);
    await Promise.all(others.map((logger) => logger.kill()));
    const alert = await firing('NoLeader');
    assert.equal(alert.labels.severity, 'critical');
    assert.match(alert.annotations.summary ?? '', new RegExp(`No logger leads ${loggers.cluster}`));
    assertReadable(alert);
    for (const logger of others) logger.start();
    await loggers.inSync();
    await over('NoLeader');
  });

  it('all loggers are gone: NoLeader fires without anything to scrape', async () => {
    await Promise.all(loggers.all.map((logger) => logger.kill()));
    await firing('NoLeader');
    for (const logger of loggers.all) logger.start();
    await loggers.inSync();
    await over('NoLeader');
  });

  it('a planned handover is counted as one', async () => {
    const leader = await loggers.inSync();
    const response = await fetch(`${leader.api}/api/v1/leader/transfer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(response.status, 202);
    await eventually('the handover shows', async () => {
      const lost = await prometheus.query(
        'sum(distributed_logger_leadership_lost_total{reason="transferred"})',
      );
      return (lost[0]?.values[0] ?? 0) >= 1;
    });
    await loggers.inSync();
    await sleep(CALM_MS);
  });

  it('every query of every panel comes to something', async () => {
    const empty: string[] = [];
    let queries = 0;
    for (const { title, targets = [] } of panels)
      for (const { refId, expr } of targets) {
        queries += 1;
        const series = await prometheus.queryRange(expr, SHOWN_SECONDS);
        if (!series.some(({ values }) => values.some(Number.isFinite)))
          empty.push(`${title} ${refId}: ${expr}`);
      }
    assert.deepEqual(empty, []);
    assert.ok(queries > 60, `${queries} queries`);
  });

  it('the panels tell what happened', async () => {
    const shown = async (title: string): Promise<number[]> => {
      const expr = panels.find((panel) => panel.title === title)?.targets?.[0]?.expr;
      assert.ok(expr, title);
      return (await prometheus.queryRange(expr, SHOWN_SECONDS)).flatMap(({ values }) => values);
    };
    assert.deepEqual(
      [...new Set(await shown('Who leads'))].sort(),
      [0, 1, 2],
      'leaderless, following, leading',
    );
    assert.ok(
      (await shown('Retries')).some((count) => count > 0),
      'the producer had to repeat something',
    );
    const rates = await shown('Messages acknowledged');
    assert.ok(Math.max(...rates) > RATE / 2, `the most a second was ${Math.max(...rates)}`);
  });

  it('every alert’s expression is one to Prometheus, on metrics that there are', async () => {
    for (const { alert, expr } of rules) {
      await prometheus.query(expr);
      const selected = [...expr.matchAll(/\b((?:distributed_logger_\w+|up)\{[^}]*\})/g)].map(
        ([, text]) => text ?? '',
      );
      assert.ok(selected.length > 0, alert);
      for (const selector of selected) {
        const found = await prometheus.query(`count(last_over_time(${selector}[${RANGE}]))`);
        assert.ok((found[0]?.values[0] ?? 0) > 0, `${alert}: there is no ${selector}`);
      }
    }
  });

  it('promtool finds nothing to say about the metrics of leader, follower and producer', async () => {
    const leader = await loggers.inSync();
    const [follower] = loggers.others(leader);
    assert.ok(follower);
    for (const url of [leader.api, follower.api, `http://${producer}`]) {
      const text = await (await fetch(`${url}/metrics`)).text();
      assert.match(text, /^distributed_logger_build_info/m);
      assert.equal(await promtool(['check', 'metrics'], text), '', url);
    }
    await assert.rejects(promtool(['check', 'metrics'], '# TYPE a_total gauge\na_total 1\n'), /a_total/);
  });
});

/** Certificates that expire within a day, and a CA, in that directory; as settings of the loggers. */
async function peerTls(directory: string): Promise<Record<string, string>> {
  const authority = await Authority.make('monitored');
  const pair = await putPair(directory, 'peer', await authority.certificate('peer'));
  const ca = join(directory, 'ca.crt');
  await putFile(ca, authority.ca);
  return {
    DLOG_PEER_TLS_CERT_FILE: pair.certFile,
    DLOG_PEER_TLS_KEY_FILE: pair.keyFile,
    DLOG_PEER_TLS_CA_FILE: ca,
  };
}

/** What Kubernetes or the monitors of the chart would add to each target. */
function targetsOf({ all, cluster }: Loggers, producer: string): Target[] {
  const target = (job: string, pod: string, url: string): Target => ({
    address: url.replace('http://', ''),
    labels: { job, namespace: NAMESPACE, pod, logger_cluster: cluster },
  });
  return [
    ...all.map(({ id, api }) => target('distributed-logger', id, api)),
    target('distributed-logger-producer', 'producer-0', producer),
  ];
}

/** Nothing of a template is left. */
function assertReadable({ annotations }: FiringAlert): void {
  for (const [name, text] of Object.entries(annotations)) assert.doesNotMatch(text, /[{}<>]|no value/, name);
  assert.match(annotations.runbook_url ?? '', /\.md$/);
}

/** Reads, as people and programs do, from whichever logger answers. */
async function readOn({ all }: Loggers, signal: AbortSignal): Promise<void> {
  const read = (logger: LoggerProcess): Promise<unknown> =>
    fetch(`${logger.api}/api/v1/log?offset=0&limit=10`, { signal }).then((response) =>
      response.arrayBuffer(),
    );
  while (!signal.aborted) {
    // A logger that was killed refuses the connection: it is asked again when it is back.
    for (const logger of all) await read(logger).catch(() => undefined);
    await sleep(200);
  }
}
