// Damage to the log of a logger that is down, as a disk that returns other bytes than were written leaves it.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Flips one bit of the first segment. */
export async function damageFirstSegment(dataDir: string, at: number): Promise<void> {
  const directory = join(dataDir, 'log');
  const [first] = (await readdir(directory)).filter((name) => name.endsWith('.log')).sort();
  const path = join(directory, first as string);
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(path, bytes);
}
