// The manifests that people are told to apply: files beside the documents, and those within commands.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { startApi } from '../support/api.ts';
import { conformityProblems, manifests } from '../support/tools.ts';

const HERE_DOCUMENT = /^ *kubectl apply --filename - <<'YAML'\n([\s\S]*?)\n *YAML$/gm;
/** Not part of Kubernetes itself, so there is no schema of it here. */
const FOREIGN = /^snapshot\.storage\.k8s\.io\//;

test('manifests in the documents are those of Kubernetes', async () => {
  const texts = globSync('docs/**/*.md').flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(HERE_DOCUMENT)].map(([, text]) => text as string),
  );
  assert.ok(texts.length >= 2);
  const objects = [...texts, readFileSync('docs/how-to/fluent-bit/daemonset.yaml', 'utf8')]
    .flatMap(manifests)
    .filter(({ apiVersion }) => !FOREIGN.test(apiVersion));
  assert.deepEqual(objects.map(({ kind }) => kind).sort(), ['DaemonSet', 'PersistentVolumeClaim', 'Pod']);
  assert.deepEqual(
    await conformityProblems(objects.map((object) => JSON.stringify(object)).join('\n---\n')),
    [],
  );
});

/** As Fluent Bit 5.1.1 sent it with this configuration. */
const SENT = `{"value":"listening on port 8080","key":"/var/log/containers/shop-0_default_web-01.log"}
{"value":"{\\"level\\":\\"error\\",\\"msg\\":\\"quotes \\\\\\" and \\u00fcn\\u00efcode\\"}","key":"/var/log/containers/shop-0_default_web-01.log"}
{"value":"","key":"/var/log/containers/shop-0_default_web-01.log"}
`;

test('what Fluent Bit sends with the configuration of the documents is taken, line by line', async (t) => {
  const { pipeline } = parse(readFileSync('docs/how-to/fluent-bit/fluent-bit.yaml', 'utf8'));
  const [input] = pipeline.inputs;
  const [filter] = pipeline.filters;
  const [output] = pipeline.outputs;
  assert.equal(input.path_key, 'key');
  assert.equal(filter.rename, 'log value');
  assert.deepEqual(
    [output.format, output.json_date_key, output.retry_limit],
    ['json_lines', false, 'no_limits'],
  );
  const { url, service } = await startApi(t);
  const headers = { 'content-type': 'application/x-ndjson' };
  const answer = await fetch(`${url}${output.uri}`, { method: 'POST', headers, body: SENT });
  assert.equal(answer.status, 200, await answer.text());
  assert.deepEqual(service.values, [
    'listening on port 8080',
    '{"level":"error","msg":"quotes \\" and ünïcode"}',
    '',
  ]);
});
