// Every alert of the chart, tried by promtool on made-up series: it fires when it should, and not on what comes close.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { renderAlerts } from '../../scripts/render.ts';
import { promtool } from '../support/prometheus.ts';
import { CASES, END_MINUTES, healthy, STEP } from './alert-cases.ts';

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
}

interface Config {
  readonly scrape_configs: { kubernetes_sd_configs?: unknown }[];
}

const firing = (alert: string): string =>
  `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`;

describe('the alerts', () => {
  let directory: string;
  let alerts: string[];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'distributed-logger-rules-'));
    const text = await renderAlerts();
    await writeFile(join(directory, 'rules.yaml'), text);
    alerts = (parse(text) as Rules).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** Rejects, with the difference, unless each alert fires for as many series as expected. */
  async function check(series: Readonly<Record<string, string>>, expected: Readonly<Record<string, number>>) {
    const file = join(directory, 'test.yaml');
    const test = {
      rule_files: ['rules.yaml'],
      evaluation_interval: STEP,
      tests: [
        {
          interval: STEP,
          input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
          promql_expr_test: Object.entries(expected).map(([alert, value]) => ({
            expr: firing(alert),
            eval_time: `${END_MINUTES}m`,
            exp_samples: [{ labels: '{}', value }],
          })),
        },
      ],
    };
    await writeFile(file, stringify(test, { lineWidth: 0 }));
    await promtool(['test', 'rules', file]);
  }

  it('are rules that Prometheus takes', async () => {
    assert.match(await promtool(['check', 'rules', join(directory, 'rules.yaml')]), /SUCCESS/);
  });

  it('do not fire while all is well', async () => {
    await check(healthy(), Object.fromEntries(alerts.map((alert) => [alert, 0])));
    await assert.rejects(check(healthy(), { [alerts[0]!]: 1 }), /FAILED/, 'the check itself must notice');
  });

  for (const { alert, what, series, fires } of CASES)
    it(`${alert} ${fires === 0 ? 'does not fire' : 'fires'}: ${what}`, () =>
      check(series, { [alert]: fires }));

  it('are all tried, both ways', () => {
    const tried = (fires: boolean): string[] =>
      [...new Set(CASES.filter((one) => one.fires > 0 === fires).map(({ alert }) => alert))].sort();
    assert.deepEqual(tried(true), [...alerts].sort());
    assert.deepEqual(tried(false), [...alerts].sort());
  });
});

describe('k8s/monitoring', () => {
  it('has a configuration and rules that Prometheus takes', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-config-'));
    try {
      const config = parse(await readFile('k8s/monitoring/files/prometheus.yaml', 'utf8')) as Config;
      for (const job of config.scrape_configs) {
        // Debian builds Prometheus without the discovery of Kubernetes: what it makes of the pods is tested in test/chart.
        assert.deepEqual(job.kubernetes_sd_configs, [{ role: 'pod', namespaces: { own_namespace: true } }]);
        delete job.kubernetes_sd_configs;
      }
      await copyFile('k8s/monitoring/files/alerts.yaml', join(directory, 'alerts.yaml'));
      const { groups } = parse(await readFile('k8s/monitoring/files/alerts.yaml', 'utf8')) as Rules;
      const rules = groups.flatMap((group) => group.rules).length;
      const file = join(directory, 'prometheus.yaml');
      await writeFile(file, stringify(config));
      assert.match(await promtool(['check', 'config', file]), new RegExp(` ${rules} rules found`));
      await writeFile(file, stringify({ ...config, scrape_configs: [{ job: 'x' }] }));
      await assert.rejects(promtool(['check', 'config', file]), /field job not found/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
