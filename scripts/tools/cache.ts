// Where downloaded tools are kept between runs, one directory a tool and version. A directory gets its name only when it
// is complete, by one rename, so two processes that fetch the same tool at once cost time and nothing else.
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The directory `name` of the cache. When it is not there, `fill` is given an empty one to fill. */
export async function cached(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const cache = cacheDirectory(process.env);
  const target = join(cache, name);
  if (await exists(target)) return target;
  await mkdir(cache, { recursive: true });
  const incoming = await mkdtemp(join(cache, '.incoming-'));
  try {
    await fill(incoming);
    await rename(incoming, target);
  } catch (error) {
    await rm(incoming, { recursive: true, force: true });
    if (!(await exists(target))) throw error; // else another process was faster, and its copy is as good
  }
  return target;
}

const cacheDirectory = (environment: Readonly<Record<string, string | undefined>>): string =>
  join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'distributed-logger', 'tools');

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
