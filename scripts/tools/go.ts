// Fetches Go modules, and kubeconform by way of them. Go checks each against its checksum database; what is read as data
// is compared with a sum written down here as well.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { findProgram, run, ToolMissing } from './program.ts';

export interface GoModule {
  readonly path: string;
  readonly version: string;
  /** As in a go.sum file. */
  readonly sum: string;
}

const kubeconform = { path: 'github.com/yannh/kubeconform', version: 'v0.7.0' };
const fetchTimeoutMs = 600_000;
/** The caller's own workspace or flags must not decide what is fetched. */
const environment = { GOWORK: 'off', GOFLAGS: '' };

/** Downloads a module into Go's own cache and returns its directory. */
export async function goModule({ path, version, sum }: GoModule): Promise<string> {
  const parameters = ['mod', 'download', '-json', `${path}@${version}`];
  const options = { cwd: tmpdir(), environment, timeoutMs: fetchTimeoutMs };
  const got = JSON.parse(await run(findGo(path), parameters, options)) as { Dir: string; Sum: string };
  if (got.Sum !== sum)
    throw new ToolMissing(`${path}@${version} is not what it was: expected ${sum}, got ${got.Sum}`);
  return got.Dir;
}

/** KUBECONFORM_BIN, then PATH, then compiled from its module, once. */
export async function findKubeconform(): Promise<string> {
  const found = findProgram('KUBECONFORM_BIN', 'kubeconform');
  if (found) return found;
  const directory = await cached(`kubeconform-${kubeconform.version}`, async (target) => {
    const main = `${kubeconform.path}/cmd/kubeconform@${kubeconform.version}`;
    await run(findGo('kubeconform'), ['install', main], {
      cwd: tmpdir(),
      environment: { ...environment, GOBIN: target },
      timeoutMs: fetchTimeoutMs,
    });
  });
  return join(directory, 'kubeconform');
}

function findGo(wanted: string): string {
  const go = findProgram('GO_BIN', 'go');
  if (go) return go;
  throw new ToolMissing(
    `Go was not found, and ${wanted} is fetched with it: install Go 1.24 or later (Debian: golang-go; otherwise ` +
      'https://go.dev/dl) so that `go` is on PATH, or set GO_BIN',
  );
}
