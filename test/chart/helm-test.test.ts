// The script behind `helm test`, run as it is against loggers that are only answers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { get, onlyContainer, pods } from '../support/manifests.ts';
import { chartDirectory, render } from '../support/tools.ts';

const script = `${chartDirectory}/files/append-and-read.mjs`;
const offset = 41;

/** Answers appends with `offset`, and reads with what `row` makes of the appended text; the first append fails. */
async function fakeLogger(test: TestContext, row: (value: string) => object): Promise<string> {
  let [value, appends] = ['', 0];
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      assert.equal(request.url, '/api/v1/log');
      assert.equal(request.headers['content-type'], 'text/plain');
      value = await text(request);
      appends += 1;
      const body = appends === 1 ? { code: 'no-leader' } : { offset, count: 1, epoch: 3 };
      response.writeHead(appends === 1 ? 503 : 200).end(JSON.stringify(body));
    } else {
      assert.equal(request.url, `/api/v1/log?offset=${offset}&limit=1`);
      response.end(`${JSON.stringify(row(value))}\n`);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const runScript = (url: string) =>
  promisify(execFile)(process.execPath, [script], {
    env: { ...process.env, LEADER_URL: url, LOGGERS_URL: url },
    timeout: 30_000,
  });

describe('helm test', () => {
  it('passes when the appended record is read back, and waits for a leader', async (test) => {
    const url = await fakeLogger(test, (value) => ({ offset, epoch: 3, timestamp: 1, value }));
    const { stdout } = await runScript(url);
    assert.match(stdout, /503 .*no-leader.*trying again/);
    assert.match(stdout, /appended at offset 41 in epoch 3/);
    assert.match(stdout, /read it back/);
  });

  it('fails when another record is read back', async (test) => {
    const url = await fakeLogger(test, () => ({ offset, epoch: 3, timestamp: 1, value: 'another' }));
    await assert.rejects(runScript(url), (error: { code?: number; stderr?: string }) => {
      assert.equal(error.code, 1);
      assert.match(error.stderr ?? '', /another/);
      return true;
    });
  });

  it('runs that script in the chart’s own image, through the leader Service and that of all loggers', async () => {
    const objects = await render();
    const [, template] = pods(objects).find(([owner]) => owner === 'Pod/distributed-logger-test') ?? [];
    assert.ok(template);
    const container = onlyContainer(template);
    assert.equal(container.image, 'distributed-logger:0.1.0');
    assert.deepEqual(container.args, ['/test/append-and-read.mjs']);
    assert.deepEqual(container.env, [
      { name: 'LEADER_URL', value: 'http://distributed-logger-leader:8080' },
      { name: 'LOGGERS_URL', value: 'http://distributed-logger:8080' },
    ]);
    const { data } = get(objects, 'ConfigMap', 'distributed-logger-test') as unknown as { data: object };
    assert.deepEqual(Object.keys(data), ['append-and-read.mjs']);
  });
});
