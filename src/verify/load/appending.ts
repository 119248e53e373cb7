// An appender without producer id: one call at a time, each value sent once, whatever comes of it. Its unknown outcomes are
// never resolved, so that histories have some that appear later, or never.
import type { Http } from '../../client/http.ts';
import { Pace } from '../../producer/pace.ts';
import { historyNow } from '../history.ts';
import { appendOnce } from './calls.ts';
import type { Part } from './options.ts';
import type { Recorder } from './recorder.ts';
import { SentValues } from './sent-values.ts';
import { Targets } from './targets.ts';

export async function append(
  { process, options }: Part,
  http: Http,
  recorder: Recorder,
  ending: AbortSignal,
): Promise<void> {
  const pace = new Pace(options.rate);
  const values = new SentValues(process, recorder);
  const targets = new Targets(options.targets);
  recorder.begins(process, historyNow());
  for (let call = 0; ; ) {
    let due: number;
    try {
      due = await pace.due(ending);
    } catch {
      break; // told to end
    }
    for (; due > 0 && !ending.aborted; due -= 1) {
      const [value] = values.take(1) as [string];
      const start = historyNow();
      const { append, url } = await appendOnce(http, targets.current, value, options.callTimeoutMs);
      recorder.append({ process, call, start, end: historyNow(), values: [value], ...append });
      if (url === null) targets.failed();
      call += 1;
    }
  }
  recorder.ends(process, historyNow());
}
