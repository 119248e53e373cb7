// What NetworkPolicies let through, for tests of rendered ones: the rules of the API's documentation as far as the chart uses
// them (podSelector, namespaceSelector, ports by number, ipBlock). A pod that no policy of a direction selects is open in it.
import assert from 'node:assert/strict';
import type { Manifest } from './tools.ts';

type Labels = Readonly<Record<string, string>>;

export interface Endpoint {
  /** Labels of the pod; null for an address outside the cluster's pods. */
  readonly pod: Labels | null;
  readonly namespace: string;
  readonly namespaceLabels?: Labels;
  readonly address?: string;
}

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}
interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
}
interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

export interface Traffic {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly port: number;
  readonly protocol?: 'TCP' | 'UDP';
}

/** Whether the policies, all of `namespace`, let a connection through on both sides. */
export function allows(objects: readonly Manifest[], namespace: string, traffic: Traffic): boolean {
  const policies = objects
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map(({ spec }) => spec as unknown as Policy);
  const { from, to } = traffic;
  return (
    passes(
      policies,
      'Egress',
      from,
      namespace,
      (rule) => hits(rule.to, to, namespace) && opens(rule, traffic),
    ) &&
    passes(
      policies,
      'Ingress',
      to,
      namespace,
      (rule) => hits(rule.from, from, namespace) && opens(rule, traffic),
    )
  );
}

function passes(
  policies: readonly Policy[],
  type: 'Egress' | 'Ingress',
  { pod, namespace: home }: Endpoint,
  namespace: string,
  lets: (rule: Rule) => boolean,
): boolean {
  if (pod === null || home !== namespace) return true;
  const own = policies.filter(
    ({ podSelector, policyTypes }) => policyTypes.includes(type) && selects(podSelector, pod),
  );
  if (own.length === 0) return true;
  return own.some(({ ingress = [], egress = [] }) => (type === 'Ingress' ? ingress : egress).some(lets));
}

/** A rule without peers is for everybody. */
function hits(
  peers: readonly Peer[] | undefined,
  { pod, namespace, namespaceLabels = {}, address = '' }: Endpoint,
  home: string,
): boolean {
  if (peers === undefined) return true;
  return peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
    if (ipBlock) {
      assert.match(ipBlock.cidr, /\/32$/, 'this helper knows single addresses alone');
      return ipBlock.cidr === `${address}/32`;
    }
    if (pod === null) return false;
    const there = namespaceSelector ? selects(namespaceSelector, namespaceLabels) : namespace === home;
    return there && (podSelector === undefined || selects(podSelector, pod));
  });
}

const opens = ({ ports }: Rule, { port, protocol = 'TCP' }: Traffic): boolean =>
  ports === undefined || ports.some((one) => one.port === port && (one.protocol ?? 'TCP') === protocol);

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      assert.equal(operator, 'In', 'this helper knows no other operator');
      return values.includes(labels[key] ?? '');
    })
  );
}
