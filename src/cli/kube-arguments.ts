// The options that find loggers on Kubernetes.
import type { KubeOptions } from './kube/index.ts';

export const KUBE_OPTIONS = {
  kube: { type: 'boolean' },
  namespace: { type: 'string', short: 'n' },
  context: { type: 'string' },
  release: { type: 'string' },
  selector: { type: 'string', short: 'l' },
} as const;

const DETAILS = ['namespace', 'context', 'release', 'selector'] as const;
/** Of namespaces and of label values, which a release's name becomes. */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

type Given = { readonly [Name in keyof typeof KUBE_OPTIONS]?: string | boolean | undefined } & {
  readonly url?: readonly string[] | undefined;
  readonly consul?: readonly string[] | undefined;
};

/** Null without `--kube`. Throws Error with what is wrong. */
export function kubeArgumentsOf(given: Given): KubeOptions | null {
  const [namespace, context, release, selector] = DETAILS.map((name) => textOf(given, name)) as [
    string | null,
    string | null,
    string | null,
    string | null,
  ];
  if (given.kube !== true) {
    const detail = DETAILS.find((name) => given[name] !== undefined);
    if (detail !== undefined) throw new Error(`--${detail} is about loggers on Kubernetes: it needs --kube`);
    return null;
  }
  const other = given.url ? '--url' : given.consul ? '--consul' : null;
  if (other !== null) throw new Error(`--kube finds the loggers by itself: it takes no ${other}`);
  for (const [name, value] of [['namespace', namespace] as const, ['release', release] as const])
    if (value !== null && !NAME.test(value))
      throw new Error(`--${name} is ${JSON.stringify(value)}: that cannot be the name of one`);
  if (release !== null && selector !== null)
    throw new Error('--release and --selector are two ways to name the loggers: one is enough');
  return { namespace, context, release, selector };
}

function textOf(given: Given, name: (typeof DETAILS)[number]): string | null {
  const value = given[name];
  if (value === undefined) return null;
  if (value === '') throw new Error(`--${name} is empty`);
  return String(value);
}
