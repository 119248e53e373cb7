// `npm run bench -- WORK`: measures real processes with a real Consul on this machine. One object a run with --json.
import { parseArgs } from 'node:util';
import { failover } from './failover.ts';

const USAGE = `usage: npm run bench -- failover [--signal SIGKILL|SIGTERM|SIGSTOP] [--runs N] [--pause-ms MS] [--json]`;
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const;
const RUNS_MAX = 1000;
const PAUSE_MAX_MS = 10_000;
const EXIT_USAGE = 64;

function usage(problem: string): never {
  process.stderr.write(`${problem}\n${USAGE}\n`);
  process.exit(EXIT_USAGE);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        signal: { type: 'string', default: 'SIGKILL' },
        runs: { type: 'string', default: '20' },
        'pause-ms': { type: 'string', default: '5' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

const { values, positionals } = parse();
if (positionals.length !== 1 || positionals[0] !== 'failover')
  usage(`unknown work: ${positionals.join(' ') || 'none'}`);
const signal = SIGNALS.find((name) => name === values.signal) ?? usage(`unknown signal: ${values.signal}`);
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1 || runs > RUNS_MAX)
  usage(`--runs takes a whole number from 1 to ${RUNS_MAX}`);

const pauseMs = Number(values['pause-ms']);
if (!Number.isInteger(pauseMs) || pauseMs < 0 || pauseMs > PAUSE_MAX_MS)
  usage(`--pause-ms takes a whole number up to ${PAUSE_MAX_MS}`);

const result = await failover({
  signal,
  runs,
  pauseMs,
  log: (line) => values.json || process.stderr.write(`${line}\n`),
});
if (values.json) console.log(JSON.stringify(result));
else
  console.table({
    ...result,
    gapsMs: result.gapsMs.join(' '),
    failedRequests: JSON.stringify(result.failedRequests),
  });
if (result.lost + result.twice + result.outOfOrder > 0) process.exitCode = 1;
