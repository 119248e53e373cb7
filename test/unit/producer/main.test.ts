// The program as a process, before a logger that a test scripts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  acknowledge,
  answer,
  type Owner,
  problem,
  ScriptedLogger,
  silence,
  stampIn,
  valuesIn,
} from '../client/scripted-logger.ts';

const main = fileURLToPath(new URL('../../../src/producer/main.ts', import.meta.url));

const LINE_DEADLINE_MS = 30_000;

interface Line {
  readonly msg: string;
  readonly level: number;
  readonly url?: string;
  readonly offset?: number;
}

function start(owner: Owner, environment: Record<string, string>) {
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      DLOG_PRODUCER_NAME: 'p',
      DLOG_PRODUCER_HOST: '127.0.0.1',
      DLOG_PRODUCER_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const lines: Line[] = [];
  const wakes = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line));
    for (const wake of wakes) wake();
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  owner.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    child,
    exited,
    lines,
    errors: () => errors,
    /** Resolves with the first line that fits; rejects when the process ends before, or at the deadline. */
    async line(fits: (line: Line) => boolean): Promise<Line> {
      const deadline = AbortSignal.timeout(LINE_DEADLINE_MS);
      for (;;) {
        const found = lines.find(fits);
        if (found) return found;
        if (deadline.aborted) assert.fail(`no such line in ${JSON.stringify(lines)}`);
        await Promise.race([
          new Promise<void>((resolve) => {
            wakes.add(resolve);
            deadline.addEventListener('abort', () => resolve(), { once: true });
          }),
          exited.then(([code]) => assert.fail(`ended with ${code}: ${errors} ${JSON.stringify(lines)}`)),
        ]);
      }
    },
  };
}

test('a wrong configuration ends it with 78 and all problems', async (t) => {
  const { exited, errors } = start(t, { DLOG_TARGET: 'logger', DLOG_RATE: '-1', DLOG_MESSAGE: 'hello' });
  assert.deepEqual(await exited, [78, null]);
  for (const variable of ['DLOG_TARGET', 'DLOG_RATE', 'DLOG_MESSAGE'])
    assert.match(errors(), new RegExp(`${variable} is`));
});

test('a producer id of more than 63 bits is a wrong configuration', async (t) => {
  const { exited, errors } = start(t, {
    DLOG_TARGET: 'http://127.0.0.1:9',
    DLOG_PRODUCER_ID: '9999999999999999999',
  });
  assert.deepEqual(await exited, [78, null]);
  assert.match(errors(), /DLOG_PRODUCER_ID is 9999999999999999999: it takes a whole number from 1/);
});

test('sends numbered messages, answers probes, and ends in order after SIGTERM', async (t) => {
  const logger = await ScriptedLogger.start(
    t,
    [problem('no-leader', { retryAfterMs: 1 })],
    acknowledge({ end: 0 }),
  );
  const { child, exited, line, lines } = start(t, { DLOG_TARGET: logger.url, DLOG_RATE: '20' });
  const { url } = await line(({ msg }) => msg.startsWith('Sending to'));
  // A slow machine may send several at once: the line tells the first one's offset.
  const sent = await line(({ msg }) => /^Sent Message: [3-9]/.test(msg));
  assert.equal(sent.offset, Number(/\d+/.exec(sent.msg)?.[0]) - 1);
  assert.ok(lines.some(({ msg }) => msg.startsWith('Trying again: There is no leader')));
  const get = async (path: string) =>
    fetch(`${url}${path}`).then(async (response) => `${response.status} ${await response.text()}`);
  assert.equal(await get('/livez'), '200 ok\n');
  assert.equal(await get('/readyz'), '200 ok\n');
  assert.match(await get('/metrics'), /^200 [\s\S]*producer_retries_total\{reason="no-leader"\} 1/);
  assert.match(await get('/'), /^404/);
  assert.equal((await fetch(`${url}/livez`, { method: 'POST', body: 'x' })).status, 405);

  // The message in flight is held; it must be settled before the end.
  let answered = false;
  const held = Promise.withResolvers<void>();
  logger.script.push(async (received) => {
    held.resolve();
    await new Promise((resolve) => setTimeout(resolve, 50));
    answered = true;
    acknowledge({ end: 100 })(received);
  });
  await held.promise;
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  assert.ok(answered);
  const numbers = logger
    .appends()
    .flatMap(valuesIn)
    .map((text) => Number(text.slice('Message: '.length)));
  assert.deepEqual(
    [...new Set(numbers)],
    Array.from({ length: Math.max(...numbers) }, (_, at) => at + 1),
  );
});

test('SIGTERM does not wait for ever for an acknowledgement', async (t) => {
  const logger = await ScriptedLogger.start(t, [], silence);
  const { child, exited } = start(t, {
    DLOG_TARGET: logger.url,
    DLOG_RATE: '20',
    DLOG_SHUTDOWN_TIMEOUT_MS: '100',
  });
  while (logger.appends().length === 0) await new Promise(setImmediate);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('with a kept id the numbers go on after the last one in the log', async (t) => {
  const record = { offset: 41, timestamp: 1, epoch: 1, value: 'Message: 17' };
  const logger = await ScriptedLogger.start(t, [
    answer(200, { id: '5', epoch: 3, lastSequence: 2, lastOffset: 41 }),
    answer(200, `${JSON.stringify(record)}\n`, { 'log-commit': '42', 'log-next-offset': '42' }),
  ]);
  const { line } = start(t, { DLOG_TARGET: logger.url, DLOG_RATE: '20', DLOG_PRODUCER_ID: '5' });
  await line(({ msg }) => msg.startsWith('Sent Message: 18'));
  const [first] = logger.appends();
  assert.ok(first);
  assert.deepEqual(stampIn(first), { id: '5', epoch: 4, sequence: 0 });
  assert.match(logger.received[1]?.url ?? '', /offset=41&limit=1&consistency=linearizable/);
});

test('a producer whose id another one took over ends, so that two never fight', async (t) => {
  const logger = await ScriptedLogger.start(t, [], problem('producer-fenced'));
  const { exited, lines } = start(t, { DLOG_TARGET: logger.url, DLOG_RATE: '20' });
  assert.deepEqual(await exited, [75, null]);
  assert.match(lines.at(-1)?.msg ?? '', /Another producer with this id/);
});
