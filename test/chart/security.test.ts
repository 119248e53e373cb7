// The chart with values-secure.yaml: every Secret reaches the programs that need it and no other, as a directory and as narrow as
// may be; everything that talks to the loggers or to Consul does so by TLS and with its token.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { loggerSettings, producerSettings, readConfig } from '../../src/config.ts';
import {
  environment,
  find,
  get,
  onlyContainer,
  type PodTemplate,
  pods,
  type Service,
  spec,
} from '../support/manifests.ts';
import { restrictedViolations } from '../support/pod-security.ts';
import { chartDirectory, type Manifest, render } from '../support/tools.ts';

type Values = Record<string, Record<string, unknown>>;
interface SecretVolume {
  readonly name: string;
  readonly secret?: {
    readonly secretName: string;
    readonly defaultMode: number;
    readonly items?: readonly { readonly key: string; readonly path: string }[];
  };
}
interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

const NAME = 'distributed-logger';
const NAMESPACE = 'logs';
const fields = {
  'metadata.name': `${NAME}-0`,
  'metadata.namespace': NAMESPACE,
  'status.podIP': '10.244.1.7',
};

const secureValues = async (): Promise<Values> =>
  parse(await readFile(`${chartDirectory}/values-secure.yaml`, 'utf8')) as Values;
const component = ({ metadata }: PodTemplate): string =>
  metadata.labels?.['app.kubernetes.io/component'] ?? '';
const volumesOf = ({ spec: pod }: PodTemplate): SecretVolume[] => (pod.volumes ?? []) as SecretVolume[];

describe('the chart with values-secure.yaml', () => {
  let objects: Manifest[];
  let made: Record<string, PodTemplate>;
  before(async () => {
    const values = await secureValues();
    const monitoring = { ...values.monitoring, enabled: true };
    objects = await render({ namespace: NAMESPACE, values: { ...values, monitoring } });
    made = Object.fromEntries(pods(objects).map(([, template]) => [component(template), template]));
  });
  const templateOf = (name: string): PodTemplate => {
    const template = made[name];
    assert.ok(template, name);
    return template;
  };
  const seenBy = (name: string) => environment(objects, onlyContainer(templateOf(name)), fields);

  it('gives each pod the Secrets that it needs, with no other key of them', () => {
    const given = Object.fromEntries(
      Object.entries(made).map(([name, template]) => [
        name,
        volumesOf(template).flatMap(({ secret }) =>
          secret ? [`${secret.secretName}: ${secret.items?.map(({ key }) => key).join() ?? 'all'}`] : [],
        ),
      ]),
    );
    const ca = `${NAME}-api-tls: ca.crt`;
    const token = `${NAME}-client-token: token`;
    assert.deepEqual(given, {
      logger: [
        `${NAME}-api-tls: tls.crt,tls.key`,
        `${NAME}-api-tokens: all`,
        `${NAME}-peer-tls: all`,
        `${NAME}-consul-tls: ca.crt`,
        `${NAME}-consul-token: token`,
      ],
      producer: [ca, token],
      test: [ca, token],
      consul: [`${NAME}-consul-tls: all`],
      acl: [
        `${NAME}-consul-tls: ca.crt`,
        `${NAME}-consul-management: token`,
        // All of its keys, as one may be the next token.
        `${NAME}-consul-token: all`,
      ],
    });
  });

  it('mounts them as directories, so that what is renewed reaches the pod, readable by the pod’s group alone', () => {
    for (const [name, template] of Object.entries(made)) {
      const mounts = (onlyContainer(template).volumeMounts ?? []) as Mount[];
      for (const { name: volume, secret } of volumesOf(template)) {
        if (!secret) continue;
        assert.equal(secret.defaultMode, 0o440, `${name}: ${volume}`);
        const mount = mounts.find((each) => each.name === volume);
        assert.deepEqual(mount, { name: volume, mountPath: `/secrets/${volume}`, readOnly: true });
        for (const { key, path } of secret.items ?? []) assert.equal(path, key);
      }
    }
  });

  it('names each file to the program where it is mounted', () => {
    for (const name of ['logger', 'producer', 'test', 'acl']) {
      const files = Object.values(seenBy(name)).filter((value) => value.startsWith('/secrets/'));
      assert.ok(files.length >= 2, name);
      for (const file of files) {
        const [, , volume, key] = file.split('/');
        const found = volumesOf(templateOf(name)).find((each) => each.name === volume);
        assert.ok(found, `${name}: ${file}`);
        const keys = found.secret?.items?.map((item) => item.key);
        if (key !== undefined && keys) assert.ok(keys.includes(key), `${name}: ${file}`);
      }
    }
  });

  it('gives the programs configurations that they accept, in names that they know', () => {
    const loggers = seenBy('logger');
    const known: string[] = [...Object.values(loggerSettings), ...Object.values(producerSettings)].map(
      ({ variable }) => variable,
    );
    for (const name of ['logger', 'producer'])
      assert.deepEqual(
        Object.keys(seenBy(name)).filter(
          (variable) => !known.includes(variable) && variable !== 'DLOG_POD_IP',
        ),
        [],
        name,
      );
    const logger = readConfig(loggerSettings, loggers);
    assert.equal(logger.apiUrl, `https://${NAME}-0.${NAME}-headless.${NAMESPACE}.svc:8080`);
    const peer = (index: number) => `${NAME}-${index}.${NAME}-headless.${NAMESPACE}.svc:9090`;
    assert.equal(logger.peerAddress, peer(0));
    assert.equal(logger.peers, [0, 1, 2].map((index) => `${NAME}-${index}=${peer(index)}`).join());
    assert.deepEqual(
      logger.consulUrls,
      [0, 1, 2].map((index) => `https://${NAME}-consul-${index}.${NAME}-consul.${NAMESPACE}.svc:8501`),
    );
    assert.equal(logger.metricsNeedToken, true);
    assert.deepEqual(readConfig(producerSettings, seenBy('producer')).target, [
      `https://${NAME}-leader.${NAMESPACE}.svc:8080`,
    ]);
  });

  it('puts no secret into a variable but Consul’s two, which it takes in no other way', () => {
    const variables = pods(objects).flatMap(([owner, template]) =>
      (onlyContainer(template).env ?? [])
        .filter(({ valueFrom }) => valueFrom?.secretKeyRef)
        .map(({ name }) => `${owner} ${name}`),
    );
    assert.deepEqual(variables, [
      `StatefulSet/${NAME}-consul CONSUL_GOSSIP_KEY`,
      `StatefulSet/${NAME}-consul CONSUL_HTTP_TOKEN`,
    ]);
  });

  it('probes, Services and monitors speak TLS, and Prometheus brings its token', () => {
    const logger = onlyContainer(templateOf('logger'));
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
      assert.equal((logger[probe] as { httpGet: { scheme: string } }).httpGet.scheme, 'HTTPS', probe);
    for (const service of [NAME, `${NAME}-leader`, `${NAME}-headless`]) {
      const { ports } = spec<{ ports: { name: string; appProtocol: string }[] }>(objects, 'Service', service);
      assert.equal(ports.find(({ name }) => name === 'http')?.appProtocol, 'https', service);
    }
    const [endpoint] = spec<{ endpoints: Record<string, unknown>[] }>(
      objects,
      'ServiceMonitor',
      NAME,
    ).endpoints;
    assert.equal(endpoint?.scheme, 'https');
    assert.deepEqual(endpoint?.tlsConfig, {
      ca: { secret: { name: `${NAME}-api-tls`, key: 'ca.crt' } },
      serverName: `${NAME}.${NAMESPACE}.svc`,
    });
    assert.deepEqual(endpoint?.authorization, {
      credentials: { name: `${NAME}-metrics-token`, key: 'token' },
    });
  });

  it('Consul: TLS for all that leaves the pod, a denying policy, and its secrets by reference', () => {
    const { data } = get(objects, 'ConfigMap', `${NAME}-consul`) as unknown as {
      data: Record<string, string>;
    };
    const server = JSON.parse(data['server.json'] ?? '') as Record<string, Record<string, unknown>>;
    assert.deepEqual(server.addresses, { http: '127.0.0.1' });
    assert.deepEqual(server.tls?.internal_rpc, { verify_server_hostname: true });
    assert.deepEqual(server.tls?.defaults, {
      ca_file: '/secrets/tls/ca.crt',
      cert_file: '/secrets/tls/tls.crt',
      key_file: '/secrets/tls/tls.key',
      verify_incoming: true,
      verify_outgoing: true,
    });
    assert.deepEqual(server.acl, { enabled: true, default_policy: 'deny' });
    const { args = [] } = onlyContainer(templateOf('consul'));
    assert.ok(args.includes('-encrypt=$(CONSUL_GOSSIP_KEY)'));
    assert.ok(args.includes('-hcl=acl { tokens { initial_management = "$(CONSUL_HTTP_TOKEN)" } }'));
    const ports = spec<Service>(objects, 'Service', `${NAME}-consul`).ports.map(({ name, port }) => [
      name,
      port,
    ]);
    assert.ok(ports.some(([name, port]) => name === 'https' && port === 8501));
    assert.ok(!ports.some(([, port]) => port === 8500));
  });

  it('gives a Kubernetes token to the loggers alone', () => {
    for (const [name, { spec: pod }] of Object.entries(made))
      assert.equal(pod.automountServiceAccountToken, name === 'logger', name);
  });

  it('is all there is: every value of the file differs from the default, and every switch of the kind is in it', async () => {
    const text = await readFile(`${chartDirectory}/values.yaml`, 'utf8');
    const wanted = [...text.matchAll(/^( *)(secretName|\w*Secret):/gm)].length;
    const given = [
      ...(await readFile(`${chartDirectory}/values-secure.yaml`, 'utf8')).matchAll(
        /(secretName|\w*Secret):/g,
      ),
    ];
    // But for the CA of an external Consul.
    assert.equal(given.length, wanted - 1);
  });
});

describe('settings for security that contradict each other', () => {
  const refused: [what: string, values: Record<string, unknown>, complaint: RegExp][] = [
    [
      'tokens that the producer does not have',
      { api: { tokens: { secretName: 'x' } } },
      /clientSecret\.name must be set/,
    ],
    [
      'metrics behind tokens, and a monitor without one',
      {
        api: { tokens: { secretName: 'x', forMetrics: true, clientSecret: { name: 'y' } } },
        monitoring: { enabled: true },
      },
      /monitoring\.tokenSecret\.name must be set/,
    ],
    [
      'metrics behind tokens that are not there',
      { api: { tokens: { forMetrics: true } } },
      /needs api\.tokens\.secretName/,
    ],
    [
      'ACLs without a token for the loggers',
      { consul: { acl: { managementSecret: { name: 'x' } } } },
      /consul\.tokenSecret\.name must be set/,
    ],
    [
      'the chart’s own TLS for another Consul',
      { consul: { enabled: false, externalUrls: ['https://consul:8501'], tls: { secretName: 'x' } } },
      /for the chart's own Consul/,
    ],
    [
      'an address without TLS where there is TLS',
      { api: { tls: { secretName: 'x' } }, logger: { apiUrl: 'http://$(DLOG_POD_IP):8080' } },
      /must begin with https:/,
    ],
    ['an address with TLS where there is none', { logger: { apiUrl: 'https://x' } }, /must begin with http:/],
  ];
  for (const [what, values, complaint] of refused)
    it(`are refused: ${what}`, () => assert.rejects(render({ values }), complaint));

  it('leave out the test that would have no token', async () => {
    const api = { tokens: { secretName: 'x' } };
    const objects = await render({ values: { api, producer: { enabled: false } } });
    assert.equal(find(objects, 'Pod', `${NAME}-test`), undefined);
    assert.equal(find(objects, 'ConfigMap', `${NAME}-test`), undefined);
  });
});

describe('the check of the restricted standard itself', () => {
  const good = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'a',
        image: 'a',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  };
  const [container] = good.containers as [(typeof good.containers)[0]];
  const within = (securityContext: object) => ({
    ...good,
    containers: [{ ...container, securityContext: { ...container.securityContext, ...securityContext } }],
  });
  const bad: [what: string, pod: Parameters<typeof restrictedViolations>[0]][] = [
    ['hostNetwork', { ...good, hostNetwork: true }],
    ['hostPath', { ...good, volumes: [{ name: 'a', hostPath: { path: '/' } }] }],
    ['runAsNonRoot', { ...good, securityContext: { ...good.securityContext, runAsNonRoot: false } }],
    ['root', within({ runAsUser: 0 })],
    ['seccomp', { ...good, securityContext: { runAsNonRoot: true } }],
    ['seccomp', within({ seccompProfile: { type: 'Unconfined' } })],
    ['capabilities', within({ capabilities: { drop: ['NET_RAW'] } })],
    ['adds', within({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } })],
    ['allowPrivilegeEscalation', within({ allowPrivilegeEscalation: undefined })],
    ['privileged', within({ privileged: true })],
    [
      'port of the host',
      {
        ...good,
        containers: [{ ...container, ports: [{ name: 'a', containerPort: 1, hostPort: 1 } as never] }],
      },
    ],
    [
      'sysctl',
      { ...good, securityContext: { ...good.securityContext, sysctls: [{ name: 'kernel.msgmax' }] } },
    ],
    ['SELinux', within({ seLinuxOptions: { type: 'spc_t' } })],
    ['/proc', within({ procMount: 'Unmasked' })],
    ['host', { ...good, containers: [{ ...container, livenessProbe: { httpGet: { host: 'x', port: 1 } } }] }],
    [
      'root',
      {
        ...good,
        initContainers: [{ ...container, securityContext: { ...container.securityContext, runAsUser: 0 } }],
      },
    ],
  ];

  it('finds nothing in a pod that meets it, and each way to miss it', () => {
    assert.deepEqual(restrictedViolations(good), []);
    for (const [what, pod] of bad) {
      const found = restrictedViolations(pod);
      assert.ok(
        found.some((violation) => violation.includes(what)),
        `${what}: ${found}`,
      );
    }
  });
});
