// Who may talk to whom under the chart's NetworkPolicies, worked out from the rendered ones: a network plugin that enforces them
// is not needed for that, and is not there in the end-to-end tests.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { onlyContainer, pods } from '../support/manifests.ts';
import { allows, type Endpoint } from '../support/network-policy.ts';
import { type Manifest, type RenderOptions, render } from '../support/tools.ts';

const NAMESPACE = 'logs';
const NAME = 'distributed-logger';
const CONSUL_TLS = { tls: { secretName: 'consul-tls' } };
const ACL = { tokenSecret: { name: 'token' }, acl: { managementSecret: { name: 'management' } } };

const pod = (labels: Record<string, string>, namespace = NAMESPACE, namespaceLabels = {}): Endpoint => ({
  pod: labels,
  namespace,
  namespaceLabels: { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels },
});
const stranger = pod({ app: 'shop' });
const client = pod({ app: 'shop', 'distributed-logger/client': NAME });
const otherClient = pod({ 'distributed-logger/client': 'another' });
const blueClient = pod({ 'distributed-logger/client': NAME }, 'shop', { team: 'blue' });
const blueStranger = pod({ app: 'shop' }, 'shop', { team: 'blue' });
const prometheus = pod({ app: 'prometheus' }, 'monitoring');
const dns = pod({ 'k8s-app': 'kube-dns' }, 'kube-system');
const outside = (address: string): Endpoint => ({ pod: null, namespace: '', address });

async function rendered(networkPolicy: object, rest: RenderOptions['values'] = {}) {
  const values = { ...rest, networkPolicy: { enabled: true, ...networkPolicy } };
  const objects = await render({ namespace: NAMESPACE, values });
  const own = new Map(
    pods(objects).map(([, { metadata }]) => [
      metadata.labels?.['app.kubernetes.io/component'] ?? '',
      pod(metadata.labels ?? {}),
    ]),
  );
  const of = (component: string): Endpoint => {
    const found = own.get(component);
    assert.ok(found, component);
    return found;
  };
  const may = (from: Endpoint, to: Endpoint, port: number, protocol: 'TCP' | 'UDP' = 'TCP'): boolean =>
    allows(objects, NAMESPACE, { from, to, port, protocol });
  return { objects, of, may };
}

describe('the chart’s NetworkPolicies', () => {
  let may: Awaited<ReturnType<typeof rendered>>['may'];
  let of: Awaited<ReturnType<typeof rendered>>['of'];
  let objects: Manifest[];
  before(async () => {
    ({ may, of, objects } = await rendered({}, { consul: { ...CONSUL_TLS, ...ACL } }));
  });

  it('are none by default', async () => {
    const kinds = (await render()).map(({ kind }) => kind);
    assert.ok(!kinds.includes('NetworkPolicy'));
  });

  it('select every pod of the chart, in both directions', () => {
    for (const [owner, { metadata }] of pods(objects)) {
      const own = pod(metadata.labels ?? {});
      assert.equal(may(stranger, own, 1234), false, owner);
      assert.equal(may(own, stranger, 1234), false, owner);
    }
  });

  it('let peers talk among loggers alone', () => {
    for (const port of [9090, 9091]) {
      assert.ok(may(of('logger'), of('logger'), port));
      for (const from of [stranger, client, of('producer'), of('consul'), of('acl'), of('test'), prometheus])
        assert.equal(may(from, of('logger'), port), false);
    }
  });

  it('let the producer, the test, loggers and labelled pods of the namespace reach the API, and nobody else', () => {
    for (const from of [of('producer'), of('test'), of('logger'), client])
      assert.ok(may(from, of('logger'), 8080));
    for (const from of [stranger, otherClient, blueClient, prometheus, of('consul'), outside('203.0.113.9')])
      assert.equal(may(from, of('logger'), 8080), false);
  });

  it('let loggers and the keeper of its ACLs reach Consul’s API, and Consul its own servers', () => {
    for (const from of [of('logger'), of('acl')]) {
      assert.ok(may(from, of('consul'), 8501));
      assert.equal(may(from, of('consul'), 8300), false);
      assert.equal(may(from, of('consul'), 8500), false);
    }
    for (const from of [stranger, client, of('producer'), of('test'), prometheus])
      assert.equal(may(from, of('consul'), 8501), false);
    assert.ok(may(of('consul'), of('consul'), 8300));
    assert.ok(may(of('consul'), of('consul'), 8301));
    assert.ok(may(of('consul'), of('consul'), 8301, 'UDP'));
    assert.equal(may(of('consul'), of('logger'), 8080), false);
  });

  it('let every pod ask for names, and only loggers the Kubernetes API', () => {
    for (const [, { metadata }] of pods(objects))
      for (const protocol of ['TCP', 'UDP'] as const)
        assert.ok(may(pod(metadata.labels ?? {}), dns, 53, protocol));
    for (const port of [443, 6443]) {
      assert.ok(may(of('logger'), outside('10.0.0.1'), port));
      for (const from of ['producer', 'consul', 'acl', 'test'])
        assert.equal(may(of(from), outside('10.0.0.1'), port), false, from);
    }
  });

  it('name every port that a container listens on to somebody', () => {
    for (const [owner, template] of pods(objects)) {
      const { ports = [] } = onlyContainer(template);
      const own = pod(template.metadata.labels ?? {});
      const others = ['logger', 'producer', 'consul', 'acl', 'test'].map(of);
      // Probes come from the node, which policies do not hold back; metrics need monitoringNamespace.
      for (const { containerPort, name } of ports)
        if (!['producer', 'acl'].some((each) => owner.endsWith(each)))
          assert.ok(
            others.some((from) => may(from, own, containerPort)),
            `${owner} ${name}`,
          );
    }
  });

  it('let everybody reach the API where that is wanted, and nothing else', async () => {
    const open = await rendered({ apiForAll: true });
    for (const from of [stranger, blueStranger, outside('203.0.113.9')]) {
      assert.ok(open.may(from, open.of('logger'), 8080));
      assert.equal(open.may(from, open.of('logger'), 9090), false);
      assert.equal(open.may(from, open.of('consul'), 8500), false);
    }
    assert.ok(open.may(open.of('logger'), open.of('consul'), 8500));
  });

  it('let labelled pods of other namespaces in, if these are named', async () => {
    const wide = await rendered({ clientNamespaces: { team: 'blue' } });
    assert.ok(wide.may(blueClient, wide.of('logger'), 8080));
    assert.ok(wide.may(client, wide.of('logger'), 8080));
    assert.equal(wide.may(blueStranger, wide.of('logger'), 8080), false);
  });

  it('let Prometheus scrape from its namespace alone', async () => {
    const watched = await rendered({ monitoringNamespace: { 'kubernetes.io/metadata.name': 'monitoring' } });
    assert.ok(watched.may(prometheus, watched.of('logger'), 8080));
    assert.ok(watched.may(prometheus, watched.of('producer'), 8081));
    assert.equal(watched.may(prometheus, watched.of('logger'), 9090), false);
    assert.equal(watched.may(prometheus, watched.of('consul'), 8500), false);
    assert.equal(watched.may(stranger, watched.of('producer'), 8081), false);
  });

  it('let loggers reach an external Consul at the ports of its addresses, and the Kubernetes API where it is', async () => {
    const externalUrls = ['https://consul-a:8501', 'https://consul-b', 'http://consul-c'];
    const narrow = await rendered(
      { kubernetesApi: { cidrs: ['10.0.0.1/32'], ports: [6443] } },
      { consul: { enabled: false, externalUrls } },
    );
    for (const port of [8501, 443, 80])
      assert.ok(narrow.may(narrow.of('logger'), outside('198.51.100.7'), port));
    assert.equal(narrow.may(narrow.of('logger'), outside('198.51.100.7'), 8300), false);
    assert.ok(narrow.may(narrow.of('logger'), outside('10.0.0.1'), 6443));
    assert.equal(narrow.may(narrow.of('logger'), outside('198.51.100.7'), 6443), false);
  });
});
