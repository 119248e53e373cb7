// Consul from HashiCorp's releases: the zip archive for this platform, checked against the release's SHA256SUMS.
// The small list of sums is asked for first and with a short deadline, so that a machine that cannot reach the host
// moves on at once.

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BinarySource } from './consul-binary.ts';
import { readZipEntry } from './consul-zip.ts';

/** The newest version that the integration tests were run with. */
const version = '1.19.2';
const base = `https://releases.hashicorp.com/consul/${version}`;
const sumsTimeoutMs = 5_000;
const archiveTimeoutMs = 180_000;
const archiveLimitBytes = 256 * 1024 * 1024;

export const hashicorpRelease: BinarySource = {
  name: `HashiCorp's release ${version}`,
  label: version,
  async fetch(directory) {
    const archive = archiveName(process.platform, process.arch);
    const sums = await get(`${base}/consul_${version}_SHA256SUMS`, sumsTimeoutMs);
    const expected = sumOf(sums.toString('utf8'), archive);
    const bytes = await get(`${base}/${archive}`, archiveTimeoutMs);
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (actual !== expected) throw new Error(`${archive} has SHA-256 ${actual}, not ${expected}`);
    const path = join(directory, 'consul');
    await writeFile(path, await readZipEntry(bytes, 'consul'), { mode: 0o755 });
    return path;
  },
};

export function archiveName(platform: string, arch: string): string {
  const system = { linux: 'linux', darwin: 'darwin' }[platform];
  const machine = { x64: 'amd64', arm64: 'arm64' }[arch];
  if (!system || !machine) throw new Error(`no release is known for ${platform} on ${arch}`);
  return `consul_${version}_${system}_${machine}.zip`;
}

/** The sum of `file` in a list of lines `<sha256>  <name>`. */
export function sumOf(sums: string, file: string): string {
  for (const line of sums.split('\n')) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === file && sum && /^[0-9a-f]{64}$/.test(sum)) return sum;
  }
  throw new Error(`the list of checksums does not name ${file}`);
}

async function get(url: string, timeoutMs: number): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body) {
    sizeBytes += chunk.length;
    if (sizeBytes > archiveLimitBytes) throw new Error(`${url} is larger than ${archiveLimitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
