// The workload against the real HTTP API over a logger in memory: what it records of refusals, of unknown outcomes and of a log that is
// away, and that its histories are right all the same.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LoggerError } from '../../../../src/errors.ts';
import {
  type AppendCall,
  type HistoryLine,
  type LoadOptions,
  type LoggerAccess,
  load,
  type ReadCall,
  type SummaryLine,
} from '../../../../src/verify/index.ts';
import { type RunningApi, startApi, until } from '../../../support/api.ts';
import { startGuardedApi } from '../../../support/guarded-api.ts';
import { verifyText } from '../../../support/history.ts';

interface Loading {
  readonly lines: HistoryLine[];
  readonly ending: AbortController;
  readonly done: Promise<SummaryLine>;
  text(): string;
}

function start(
  t: TestContext,
  url: string,
  more: Partial<LoadOptions> = {},
  access: LoggerAccess = {},
): Loading {
  const lines: HistoryLine[] = [];
  let text = '';
  const ending = new AbortController();
  t.after(() => ending.abort());
  const sink = {
    write: (line: string) => {
      text += line;
      lines.push(JSON.parse(line) as HistoryLine);
    },
    close: () => {},
  };
  const options: LoadOptions = {
    name: 't',
    targets: [url],
    loggers: [url],
    base: null,
    producers: 1,
    appenders: 1,
    rate: 100,
    seconds: null,
    callTimeoutMs: 300,
    finalTimeoutMs: 5000,
    ...more,
  };
  return { lines, ending, done: load(options, sink, ending.signal, access), text: () => text };
}

const appends = ({ lines }: Loading): AppendCall[] => lines.filter((line) => line.type === 'append');
const reads = ({ lines }: Loading): ReadCall[] => lines.filter((line) => line.type === 'read');
const acknowledged = (loading: Loading, count: number): Promise<void> =>
  until(
    `${count} are acknowledged`,
    () => appends(loading).filter(({ outcome }) => outcome === 'ok').length >= count,
  );

async function ended(loading: Loading): Promise<SummaryLine> {
  loading.ending.abort();
  const summary = await loading.done;
  const report = await verifyText(loading.text());
  assert.deepEqual([report.verdict, report.anomalies, report.notes], ['valid', [], []]);
  return summary;
}

const follow = ({ service }: RunningApi): void => service.follow(null);

test('records before it are not its own; the first line says where it begins, the last one what was done', async (t) => {
  const api = await startApi(t);
  api.service.fill('before', 'before');
  const loading = start(t, api.url);
  await acknowledged(loading, 30);
  const summary = await ended(loading);
  const [first] = loading.lines;
  assert.ok(first?.type === 'history');
  assert.equal(first.base, 2);
  assert.deepEqual(loading.lines.at(-1), JSON.parse(JSON.stringify(summary)));
  assert.deepEqual(
    summary.gaps.map(({ process }) => process),
    ['t/producer-0', 't/appender-0'],
  );
  assert.equal(summary.appends.ok, appends(loading).length);
  assert.equal(
    api.service.values.filter((value) => value.startsWith('t/')).length,
    api.service.values.length - 2,
  );
});

test('calls are announced, and batches are among them', async (t) => {
  const loading = start(t, (await startApi(t)).url, { appenders: 0 });
  await acknowledged(loading, 20);
  await ended(loading);
  const announced = loading.lines.findIndex((line) => line.type === 'sends');
  assert.ok(announced < loading.lines.findIndex((line) => line.type === 'append'));
  assert.ok(appends(loading).some(({ values }) => values.length === 3));
  const calls = appends(loading).map(({ call }) => call);
  assert.equal(new Set(calls).size, calls.length);
});

test('a log without leader: calls are refused within their time, and go on when there is one', async (t) => {
  const api = await startApi(t);
  const loading = start(t, api.url);
  await acknowledged(loading, 10);
  const away = performance.now();
  follow(api);
  await until('both roles were refused', () => {
    const refused = appends(loading).filter(({ outcome }) => outcome === 'refused');
    return new Set(refused.map(({ process }) => process)).size === 2;
  });
  const gapMs = performance.now() - away;
  api.service.lead();
  await acknowledged(loading, appends(loading).length + 20);
  const { gaps } = await ended(loading);
  for (const { ms, process } of gaps)
    assert.ok(ms >= gapMs * 0.5, `${process}: ${ms} ms, away for ${gapMs} ms`);
});

test('commits that do not come: unknown, and whatever is stored later is in its place', async (t) => {
  const api = await startApi(t);
  const loading = start(t, api.url);
  await acknowledged(loading, 10);
  api.service.commitsAtOnce = false;
  await until('both roles have an unknown outcome', () => {
    const unknown = appends(loading).filter(({ outcome }) => outcome === 'unknown');
    return new Set(unknown.map(({ process }) => process)).size === 2;
  });
  api.service.commitsAtOnce = true;
  await acknowledged(loading, appends(loading).filter(({ outcome }) => outcome === 'ok').length + 20);
  await ended(loading);
  const report = await verifyText(loading.text());
  assert.ok(report.summary.unknownStored > 0);
});

test('a producer that the log no longer knows resumes', async (t) => {
  const api = await startApi(t);
  const loading = start(t, api.url, { appenders: 0 });
  await acknowledged(loading, 5);
  api.service.refusal = new LoggerError('unknown-producer');
  await until('it was told', () => appends(loading).some(({ code }) => code === 'unknown-producer'));
  await acknowledged(loading, appends(loading).length + 10);
  await ended(loading);
});

test('reads of a log that begins higher now go on there, and the history is right', async (t) => {
  const api = await startApi(t);
  const loading = start(t, api.url);
  await acknowledged(loading, 30);
  loading.ending.abort();
  api.service.retainFrom(10);
  await loading.done;
  assert.ok(reads(loading).some(({ code, first }) => code === 'offset-gone' && first === 10));
  const { verdict } = await verifyText(loading.text());
  assert.equal(verdict, 'valid');
});

test('behind one address for all only linearizable reads are made, the final one too', async (t) => {
  const loading = start(t, (await startApi(t)).url, { loggers: [] });
  await acknowledged(loading, 20);
  await ended(loading);
  assert.ok(reads(loading).every(({ consistency }) => consistency === 'linearizable'));
  assert.ok(loading.lines.some((line) => line.type === 'final' && line.complete));
});

test('a final read that cannot be done says so, and the verdict is unknown', async (t) => {
  const api = await startApi(t);
  const loading = start(t, api.url, { finalTimeoutMs: 300 });
  await acknowledged(loading, 5);
  follow(api);
  loading.ending.abort();
  await loading.done;
  const report = await verifyText(loading.text());
  assert.equal(report.verdict, 'unknown');
  assert.match(report.notes.join(), /was not read to its end: no leader said what is committed/);
});

test('a history that cannot be written ends the load with that error', async (t) => {
  const { url } = await startApi(t);
  let lines = 0;
  const full = {
    write: () => {
      lines += 1;
      if (lines > 20) throw new Error('no space left');
    },
    close: () => {},
  };
  const { ending } = start(t, url);
  ending.abort();
  const options = {
    name: 'u',
    targets: [url],
    loggers: [url],
    base: null,
    producers: 1,
    appenders: 1,
    rate: 100,
  };
  await assert.rejects(
    load(
      { ...options, seconds: null, callTimeoutMs: 300, finalTimeoutMs: 0 },
      full,
      new AbortController().signal,
    ),
    /no space left/,
  );
});

test('where the API is over TLS and asks for a token, every call has both, and no history holds the token', async (t) => {
  const { url, access } = await startGuardedApi(t);
  const loading = start(t, url, {}, access);
  await acknowledged(loading, 20);
  const { appends: counted, reads: answered } = await ended(loading);
  assert.deepEqual([counted.refused, answered.refused], [0, 0]);
  assert.ok(answered.ok > 0);
  assert.ok(!loading.text().includes(access.token));
});
