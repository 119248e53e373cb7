// One `kubectl proxy` for all that a test polls. A kubectl for every question takes a tenth of a second of processor, and on a
// machine that runs the cluster too, what is asked while it recovers would be measured as the cluster's own slowness.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const START_MS = 15_000;
const ANSWER_MS = 20_000;

let running: Promise<string> | null = null;

/** The body that the API server answers a GET of `path` with. Throws with the status and the body of any other answer than 2xx. */
export async function apiGet(path: string): Promise<string> {
  running ??= start();
  const url = await running;
  const answer = await fetch(url + path, { signal: AbortSignal.timeout(ANSWER_MS) });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status}: ${body}`);
  return body;
}

/** Ends with this process, and does not keep it from ending. */
async function start(): Promise<string> {
  const child = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): boolean => child.kill();
  process.once('exit', end);
  const ended = (): void => {
    process.off('exit', end);
    running = null;
  };
  try {
    const address = await addressOf(child);
    child.once('close', ended);
    return `http://${address}`;
  } catch (error) {
    child.kill();
    ended();
    throw error;
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('kubectl proxy has no output');
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const lines = createInterface({ input: stdout });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`kubectl proxy does not start: ${said}`)), START_MS);
      child.once('error', reject);
      child.once('close', () => reject(new Error(`kubectl proxy ended: ${said}`)));
      lines.on('line', (line) => {
        const found = /^Starting to serve on (\S+)$/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
  } finally {
    clearTimeout(timer);
    child.unref();
    for (const stream of [stdout, stderr]) (stream as typeof stream & { unref?: () => void }).unref?.();
  }
}
