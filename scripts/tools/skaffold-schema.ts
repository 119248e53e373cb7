// Skaffold's JSON schema of its configuration file, out of Skaffold's own Go module.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { type GoModule, goModule } from './go.ts';

const skaffold: GoModule = {
  path: 'github.com/GoogleContainerTools/skaffold/v2',
  version: 'v2.16.1',
  sum: 'h1:eMrp2qpn/5j2c1P/JqLo+mxcpEIdtokb/tCY2W/05ic=',
};

/** Path of the schema of `apiVersion: skaffold/<version>`. */
export async function skaffoldSchema(version: string): Promise<string> {
  const name = `${version}.json`;
  const directory = await cached(`skaffold-${skaffold.version}-${version}`, async (target) => {
    const schemas = join(await goModule(skaffold), 'docs-v2/content/en/schemas');
    await copyFile(join(schemas, name), join(target, name));
  });
  return join(directory, name);
}
