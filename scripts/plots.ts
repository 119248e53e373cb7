// `node scripts/plots.ts RESULTS.jsonl…`: the tables and plots of docs/reference/performance.md once more, from lines that
// `npm run bench -- figures` and `scale` printed.
import { readFileSync } from 'node:fs';
import type { PageResult } from '../test/bench/page.ts';
import { writePage } from '../test/bench/page-files.ts';

const results = process.argv
  .slice(2)
  .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line) as PageResult);
if (results.length === 0) throw new Error('no results: node scripts/plots.ts RESULTS.jsonl…');
await writePage(results);
