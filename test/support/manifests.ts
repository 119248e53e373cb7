// Picks what a test asserts on out of rendered manifests.
import assert from 'node:assert/strict';
import type { Manifest } from './tools.ts';

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
  };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvironmentVariable[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources?: { readonly requests?: object; readonly limits?: object };
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly [key: string]: unknown;
}

export interface PodTemplate {
  readonly metadata: Pick<Manifest['metadata'], 'labels' | 'annotations'>;
  readonly spec: PodSpec;
}

export interface Workload {
  readonly replicas?: number;
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: PodTemplate;
  readonly volumeClaimTemplates?: readonly { readonly spec: Readonly<Record<string, unknown>> }[];
  readonly [key: string]: unknown;
}

export interface Service {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
}

export const find = (objects: readonly Manifest[], kind: string, name: string): Manifest | undefined =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);

export function get(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = find(objects, kind, name);
  const all = objects.map((object) => `${object.kind}/${object.metadata.name}`).join(' ');
  assert.ok(found, `no ${kind} ${name} among ${all}`);
  return found;
}

export const spec = <T>(objects: readonly Manifest[], kind: string, name: string): T =>
  get(objects, kind, name).spec as T;

/** Every pod that the objects make, by the kind and name of what makes it. */
export const pods = (objects: readonly Manifest[]): [owner: string, template: PodTemplate][] =>
  objects.flatMap((object): [string, PodTemplate][] => {
    const owner = `${object.kind}/${object.metadata.name}`;
    if (object.kind === 'Pod') return [[owner, object as unknown as PodTemplate]];
    if (!['StatefulSet', 'Deployment'].includes(object.kind)) return [];
    return [[owner, (object.spec as Workload).template]];
  });

export function onlyContainer(template: PodTemplate): Container {
  assert.equal(template.spec.containers.length, 1);
  return template.spec.containers[0] as Container;
}

/** The environment of a container as the program sees it: ConfigMaps, then its own list, with $(NAME) put in. */
export function environment(
  objects: readonly Manifest[],
  container: Container,
  fields: Readonly<Record<string, string>>,
): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? [])
    Object.assign(seen, get(objects, 'ConfigMap', configMapRef.name).data);
  const settled: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    const path = valueFrom?.fieldRef?.fieldPath;
    const text = path ? fields[path] : (value ?? `secret ${valueFrom?.secretKeyRef?.name}`);
    assert.ok(text !== undefined, `${name} is taken from ${path}, which this test does not know`);
    // Kubernetes leaves a name alone that does not stand above in the same list.
    settled[name] = text.replace(/\$\((\w+)\)/g, (whole, used: string) => settled[used] ?? whole);
  }
  return { ...seen, ...settled };
}
