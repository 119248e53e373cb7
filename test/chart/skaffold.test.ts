import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { skaffoldSchema } from '../../scripts/tools/index.ts';
import { onlyContainer, pods, type Service, spec } from '../support/manifests.ts';
import { kustomize, manifests, render } from '../support/tools.ts';

interface Skaffold {
  readonly apiVersion: string;
  readonly build: {
    readonly artifacts: {
      image: string;
      docker: { target: string };
      sync?: { manual: { src: string; dest: string }[] };
    }[];
  };
  readonly manifests?: { readonly kustomize: { readonly paths: readonly string[] } };
  readonly deploy: { readonly kubectl?: object; readonly helm: { readonly releases: Release[] } };
  readonly portForward: {
    readonly resourceName: string;
    readonly port: number;
    readonly localPort: number;
  }[];
  readonly profiles: { readonly name: string; readonly patches: Patch[] }[];
}
interface Release {
  readonly name: string;
  readonly chartPath: string;
  readonly setValues: Record<string, unknown>;
  readonly setValueTemplates: Record<string, string>;
}
interface Patch {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

const load = async (): Promise<Skaffold> => parse(await readFile('skaffold.yaml', 'utf8')) as Skaffold;

/** What Skaffold makes of a profile's JSON patches, as far as this file uses them: members of objects. */
function activate(config: Skaffold, profile: string): Skaffold {
  const patched = structuredClone(config);
  const patches = config.profiles.find(({ name }) => name === profile)?.patches ?? [];
  assert.ok(patches.length > 0, `there is no profile ${profile}`);
  for (const { op, path, value } of patches) {
    const keys = path.split('/').slice(1);
    const last = keys.pop() ?? '';
    const parent = keys.reduce<Record<string, unknown>>(
      (at, key) => {
        assert.ok(key in at, `${path}: there is no ${key}`);
        return at[key] as Record<string, unknown>;
      },
      patched as unknown as Record<string, unknown>,
    );
    assert.equal(last in parent, op === 'replace', `${op} ${path}`);
    parent[last] = value;
  }
  return patched;
}

/** Values as `--set` makes them of dotted names. */
function nested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    const parent = keys.reduce<Record<string, unknown>>((at, key) => {
      at[key] ??= {};
      return at[key] as Record<string, unknown>;
    }, root);
    parent[last] = value;
  }
  return root;
}

describe('skaffold.yaml', () => {
  it('is valid under Skaffold’s own schema, with each profile and without', async () => {
    const config = await load();
    const [product, version] = config.apiVersion.split('/');
    assert.equal(product, 'skaffold');
    const schema = JSON.parse(await readFile(await skaffoldSchema(version ?? ''), 'utf8')) as object;
    // Not strict: the schema describes its fields with words of its own, as x-intellij-html-description.
    const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
    for (const each of [config, ...config.profiles.map(({ name }) => activate(config, name))])
      assert.ok(validate(each), JSON.stringify(validate.errors));
    assert.equal(validate({ ...config, deply: {} }), false, 'the schema must notice a misspelt word');
  });

  it('deploys the image that it builds, by values that the chart has', async () => {
    for (const config of [await load(), activate(await load(), 'dev')]) {
      const [artifact] = config.build.artifacts;
      const [release] = config.deploy.helm.releases;
      assert.ok(artifact && release);
      assert.equal(release.chartPath, 'charts/distributed-logger');
      const name = artifact.image.replaceAll(/\W/g, '_');
      assert.deepEqual(release.setValueTemplates, {
        'image.repository': `{{.IMAGE_REPO_${name}}}`,
        'image.tag': `{{.IMAGE_TAG_${name}}}`,
      });
      const values = nested({ ...release.setValues, 'image.repository': 'built', 'image.tag': 'now' });
      const objects = await render({ release: release.name, values });
      const images = pods(objects).map(([, template]) => onlyContainer(template).image);
      assert.equal(images.filter((image) => image === 'built:now').length, 3); // loggers, producer, test
      const names = objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
      for (const { resourceName } of config.portForward)
        assert.ok(names.includes(resourceName), resourceName);
    }
  });

  it('builds stages that the Dockerfile has, and syncs the sources to where the dev stage runs them', async () => {
    const dockerfile = await readFile('Dockerfile', 'utf8');
    const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage);
    const config = await load();
    const dev = activate(config, 'dev');
    assert.equal(config.build.artifacts[0]?.docker.target, stages.at(-1));
    assert.equal(dev.build.artifacts[0]?.docker.target, 'dev');
    assert.ok(stages.includes('dev'));
    assert.deepEqual(dev.build.artifacts[0]?.sync?.manual, [{ src: 'src/**/*.ts', dest: '/app' }]);
    const values = nested(dev.deploy.helm.releases[0]?.setValues ?? {});
    const [, template] = pods(await render({ values }))[0] ?? [];
    assert.ok(template);
    const writable = pods(await render({ values })).filter(
      ([, each]) => onlyContainer(each).securityContext?.readOnlyRootFilesystem === false,
    );
    assert.equal(writable.length, 3);
  });

  it('monitoring: brings what k8s/monitoring makes, and keeps what is forwarded without it', async () => {
    const config = await load();
    const monitoring = activate(config, 'monitoring');
    assert.deepEqual(monitoring.manifests?.kustomize.paths, ['k8s/monitoring']);
    assert.ok(monitoring.deploy.kubectl, 'Skaffold deploys kustomized manifests by kubectl');
    assert.deepEqual(monitoring.portForward.slice(0, config.portForward.length), config.portForward);
    const made = manifests(await kustomize('k8s/monitoring'));
    for (const { resourceName, port } of monitoring.portForward.slice(config.portForward.length))
      assert.equal(spec<Service>(made, 'Service', resourceName).ports[0]?.port, port);
    const local = monitoring.portForward.map(({ localPort }) => localPort);
    assert.deepEqual(local, [...new Set(local)]);
  });
});
