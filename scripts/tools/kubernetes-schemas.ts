// JSON schemas of Kubernetes' objects for kubeconform, made from the OpenAPI document in Kubernetes' own Go module and from
// the Prometheus Operator's resource definitions. They are strict: a field that Kubernetes does not know is an error.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { type GoModule, goModule } from './go.ts';

const kubernetes: GoModule = {
  path: 'k8s.io/kubernetes',
  version: 'v1.34.3',
  sum: 'h1:0TfljWbhEF5DBks+WFMSrvKfxBLo4vnZuqORjLMiyT4=',
};
const prometheusOperator: GoModule = {
  path: 'github.com/prometheus-operator/prometheus-operator',
  version: 'v0.89.0',
  sum: 'h1:2HA351OwWBa10H6TDhjeSdHOA7wiY71sEivg+z2cykk=',
};
const customResources = ['servicemonitors', 'podmonitors', 'prometheusrules'];

type Schema = { [key: string]: unknown };
type Definitions = Readonly<Record<string, Schema>>;
interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
interface CustomResourceDefinition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { openAPIV3Schema: Schema } }[];
  };
}

/** The directory of the schemas; their names follow kubeconform's template {{.ResourceKind}}{{.KindSuffix}}.json. */
export const kubernetesSchemas = (): Promise<string> =>
  cached(
    `schemas-${kubernetes.version}-${prometheusOperator.version}-${customResources.join('-')}`,
    async (directory) => {
      const specification = join(await goModule(kubernetes), 'api/openapi-spec/swagger.json');
      const { definitions } = JSON.parse(await readFile(specification, 'utf8')) as {
        definitions: Definitions;
      };
      for (const [name, schema] of objectSchemas(definitions)) {
        await writeFile(join(directory, name), JSON.stringify(schema));
      }
      const operator = join(await goModule(prometheusOperator), 'jsonnet/prometheus-operator');
      for (const resource of customResources) {
        const text = await readFile(join(operator, `${resource}-crd.json`), 'utf8');
        for (const [name, schema] of customSchemas(JSON.parse(text) as CustomResourceDefinition)) {
          await writeFile(join(directory, name), JSON.stringify(schema));
        }
      }
    },
  );

/** One schema that stands by itself for every kind of object among the definitions of an OpenAPI 2 document. */
export function* objectSchemas(definitions: Definitions): Generator<[string, Schema]> {
  for (const [name, definition] of Object.entries(definitions)) {
    const kinds = definition['x-kubernetes-group-version-kind'] as GroupVersionKind[] | undefined;
    const properties = definition.properties as Schema | undefined;
    const [only, ...others] = kinds ?? [];
    // Definitions with several kinds are options of calls, and those without metadata are no objects in a manifest.
    if (!only || others.length > 0 || !properties?.metadata || !properties.kind) continue;
    const used = reachable(name, definitions).map((each) => [each, strict(definitions[each] ?? {})] as const);
    yield [
      fileName(only),
      { allOf: [{ $ref: `#/definitions/${name}` }], definitions: Object.fromEntries(used) },
    ];
  }
}

function* customSchemas({ spec }: CustomResourceDefinition): Generator<[string, Schema]> {
  for (const { name: version, schema } of spec.versions) {
    const root = schema.openAPIV3Schema;
    const properties = { ...(root.properties as Schema), metadata: { type: 'object' } };
    yield [
      fileName({ group: spec.group, version, kind: spec.names.kind }),
      strict({ ...root, properties }) as Schema,
    ];
  }
}

function fileName({ group, version, kind }: GroupVersionKind): string {
  const suffix = group === '' ? version : `${group.split('.')[0]}-${version}`;
  return `${kind}-${suffix}.json`.toLowerCase();
}

/** Names of all definitions that `start` refers to, directly or not, with itself. */
function reachable(start: string, definitions: Definitions): string[] {
  const found = new Set([start]);
  for (const name of found) {
    const text = JSON.stringify(definitions[name]);
    for (const [, target] of text.matchAll(/"#\/definitions\/([^"]+)"/g)) if (target) found.add(target);
  }
  return [...found];
}

/** The same schema without room for unknown fields, and with Kubernetes' own scalar types spelled out. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (value === null || typeof value !== 'object') return value;
  const schema = value as Schema;
  if (schema['x-kubernetes-int-or-string'] || schema.format === 'int-or-string')
    return { type: ['integer', 'string'] };
  if (isQuantity(schema)) return { type: ['number', 'string'] };
  const mapped = mapValues(schema, (inner, key) =>
    // The keys of `properties` are names of fields, not words of the schema language.
    key === 'properties' ? mapValues(inner as Schema, strict) : strict(inner),
  );
  const open = schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'];
  if (schema.properties && !open) mapped.additionalProperties = false;
  return mapped;
}

const mapValues = (schema: Schema, change: (value: unknown, key: string) => unknown): Schema =>
  Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, change(value, key)]));

const isQuantity = ({ type, description }: Schema): boolean =>
  type === 'string' && typeof description === 'string' && description.startsWith('Quantity is a fixed-point');
