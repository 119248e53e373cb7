// One row for each value of the chart: another value for it, within which other values that shows, the line that it puts into the
// manifests, and the objects that it changes. Objects are written as kind/name without the release's full name.

export interface Switch {
  readonly value: unknown;
  readonly within?: Context;
  /** More values that it cannot be without. */
  readonly along?: Readonly<Record<string, unknown>>;
  /** A line of some object, without its indent, that is not there otherwise; null where the value only takes away. */
  readonly line: string | RegExp | null;
  /** Objects that are made, taken away or different. */
  readonly changes: readonly string[] | 'all';
}

/** As the chart comes; all of values-secure.yaml with monitoring; a Consul that is there already. */
export type Context = 'plain' | 'secure' | 'external';

const LOGGERS = 'StatefulSet/';
const SETTINGS = 'ConfigMap/';
const CONSUL = 'StatefulSet/-consul';
const PRODUCER = 'Deployment/-producer';
const TEST = 'Pod/-test';
const ACL = 'Deployment/-acl';
const SERVICE_MONITOR = 'ServiceMonitor/';
const POD_MONITOR = 'PodMonitor/-producer';
const RULES = 'PrometheusRule/';
const DASHBOARD = 'ConfigMap/-dashboard';
const POLICY = 'NetworkPolicy/';
const CONSUL_SETTINGS = 'ConfigMap/-consul';

export const SWITCHES: Readonly<Record<string, Switch>> = {
  'image.repository': {
    value: 'registry.test:5000/log',
    within: 'secure',
    line: 'image: registry.test:5000/log:0.1.0',
    changes: [ACL, PRODUCER, TEST, LOGGERS],
  },
  'image.tag': {
    value: '1.2.3',
    within: 'secure',
    line: 'image: distributed-logger:1.2.3',
    changes: [ACL, PRODUCER, TEST, LOGGERS],
  },
  'image.pullPolicy': {
    value: 'Always',
    within: 'secure',
    line: 'imagePullPolicy: Always',
    changes: [ACL, PRODUCER, TEST, LOGGERS],
  },
  imagePullSecrets: {
    value: [{ name: 'registry' }],
    within: 'secure',
    line: 'imagePullSecrets:',
    changes: [ACL, PRODUCER, TEST, LOGGERS, CONSUL],
  },
  containerSecurityContext: {
    value: { readOnlyRootFilesystem: false },
    within: 'secure',
    line: 'readOnlyRootFilesystem: false',
    changes: [ACL, PRODUCER, TEST, LOGGERS],
  },
  'logger.replicas': { value: 5, line: 'replicas: 5', changes: [SETTINGS, LOGGERS] },
  'logger.maxReplicas': { value: 4, line: null, changes: ['Role/'] },
  'logger.cluster': {
    value: 'audit',
    within: 'secure',
    line: 'DLOG_CLUSTER: "audit"',
    changes: [SETTINGS, 'ConfigMap/-acl', ACL, PRODUCER, POD_MONITOR, RULES, SERVICE_MONITOR, LOGGERS],
  },
  'logger.apiUrl': {
    value: 'http://[$(DLOG_POD_IP)]:8080',
    line: 'value: http://[$(DLOG_POD_IP)]:8080',
    changes: [LOGGERS],
  },
  'logger.logLevel': { value: 'debug', line: 'DLOG_LOG_LEVEL: "debug"', changes: [SETTINGS, LOGGERS] },
  'logger.printRecords': { value: false, line: 'DLOG_PRINT_RECORDS: "false"', changes: [SETTINGS, LOGGERS] },
  'logger.printRate': { value: 0, line: 'DLOG_PRINT_RATE: "0"', changes: [SETTINGS, LOGGERS] },
  'logger.retentionBytes': {
    value: 999999999999,
    line: 'DLOG_RETENTION_BYTES: "999999999999"',
    changes: [SETTINGS, LOGGERS],
  },
  'logger.retentionMs': {
    value: 86400000,
    line: 'DLOG_RETENTION_MS: "86400000"',
    changes: [SETTINGS, LOGGERS],
  },
  'logger.extraEnv': {
    value: [{ name: 'DLOG_MAX_READERS', value: '5' }],
    line: '- name: DLOG_MAX_READERS',
    changes: [LOGGERS],
  },
  'logger.persistence.size': { value: '20Gi', line: 'storage: 20Gi', changes: [LOGGERS] },
  'logger.persistence.storageClass': { value: 'fast', line: 'storageClassName: "fast"', changes: [LOGGERS] },
  'logger.resources': { value: { requests: { cpu: '7' } }, line: 'cpu: "7"', changes: [LOGGERS] },
  'logger.minReadySeconds': { value: 5, line: 'minReadySeconds: 5', changes: [LOGGERS] },
  'logger.terminationGracePeriodSeconds': {
    value: 60,
    line: 'DLOG_SHUTDOWN_TIMEOUT_MS: "55000"',
    changes: [SETTINGS, LOGGERS],
  },
  'logger.topologySpread': {
    value: 'DoNotSchedule',
    line: 'whenUnsatisfiable: DoNotSchedule',
    changes: [LOGGERS],
  },
  'logger.nodeSelector': { value: { disk: 'fast' }, line: 'disk: fast', changes: [LOGGERS] },
  'logger.tolerations': {
    value: [{ key: 'dedicated', operator: 'Exists' }],
    line: '- key: dedicated',
    changes: [LOGGERS],
  },
  'logger.podAnnotations': { value: { 'example.com/a': 'b' }, line: 'example.com/a: b', changes: [LOGGERS] },
  'logger.serviceAccountName': {
    value: 'mine',
    line: 'serviceAccountName: mine',
    changes: ['Role/', 'RoleBinding/', 'ServiceAccount/', LOGGERS],
  },
  'api.tls.secretName': {
    value: 'api',
    line: 'DLOG_API_TLS_CERT_FILE: /secrets/api-tls/tls.crt',
    changes: [SETTINGS, PRODUCER, TEST, 'Service/', 'Service/-headless', 'Service/-leader', LOGGERS],
  },
  'api.tokens.secretName': {
    value: 'other',
    within: 'secure',
    line: 'secretName: other',
    changes: [LOGGERS],
  },
  'api.tokens.forMetrics': { value: false, within: 'secure', line: null, changes: [SETTINGS, LOGGERS] },
  'api.tokens.clientSecret.name': {
    value: 'other',
    within: 'secure',
    line: 'secretName: other',
    changes: [PRODUCER, TEST],
  },
  'api.tokens.clientSecret.key': {
    value: 'producer',
    within: 'secure',
    line: 'value: /secrets/token/producer',
    changes: [PRODUCER, TEST],
  },
  'peers.tls.secretName': {
    value: 'peers',
    line: 'DLOG_PEER_TLS_CA_FILE: /secrets/peer-tls/ca.crt',
    changes: [SETTINGS, LOGGERS],
  },
  'leaderService.name': {
    value: 'front',
    line: 'value: http://front:8080',
    changes: [PRODUCER, TEST, 'Service/-leader', 'Service/front'],
  },
  'leaderService.type': { value: 'LoadBalancer', line: 'type: LoadBalancer', changes: ['Service/-leader'] },
  'leaderService.annotations': {
    value: { 'example.com/internal': 'true' },
    line: 'example.com/internal: "true"',
    changes: ['Service/-leader'],
  },
  'producer.enabled': { value: false, line: null, changes: [PRODUCER, 'ServiceAccount/-producer'] },
  'producer.rate': { value: 2.5, line: 'value: "2.5"', changes: [PRODUCER] },
  'producer.message': { value: 'No. %d', line: 'value: No. %d', changes: [PRODUCER] },
  'producer.producerId': { value: '7', line: 'value: "7"', changes: [PRODUCER] },
  'producer.logLevel': { value: 'warn', line: 'value: warn', changes: [PRODUCER] },
  'producer.extraEnv': {
    value: [{ name: 'DLOG_RETRY_MAX_MS', value: '50' }],
    line: '- name: DLOG_RETRY_MAX_MS',
    changes: [PRODUCER],
  },
  'producer.resources': { value: { requests: { cpu: '7' } }, line: 'cpu: "7"', changes: [PRODUCER, TEST] },
  'producer.nodeSelector': { value: { disk: 'fast' }, line: 'disk: fast', changes: [PRODUCER] },
  'producer.tolerations': {
    value: [{ key: 'dedicated', operator: 'Exists' }],
    line: '- key: dedicated',
    changes: [PRODUCER],
  },
  'producer.podAnnotations': {
    value: { 'example.com/a': 'b' },
    line: 'example.com/a: b',
    changes: [PRODUCER],
  },
  'consul.enabled': {
    value: false,
    along: { consul: { externalUrls: ['http://consul:8500'] } },
    line: 'DLOG_CONSUL_URLS: "http://consul:8500"',
    changes: [
      SETTINGS,
      CONSUL_SETTINGS,
      PRODUCER,
      'PodDisruptionBudget/-consul',
      'Service/-consul',
      'ServiceAccount/-consul',
      LOGGERS,
      CONSUL,
    ],
  },
  'consul.externalUrls': {
    value: ['http://other:8500'],
    within: 'external',
    line: 'DLOG_CONSUL_URLS: "http://other:8500"',
    changes: [SETTINGS, LOGGERS],
  },
  'consul.tokenSecret.name': {
    value: 'acl',
    line: 'DLOG_CONSUL_TOKEN_FILE: /secrets/consul-token/token',
    changes: [SETTINGS, LOGGERS],
  },
  'consul.tokenSecret.key': {
    value: 'loggers',
    within: 'secure',
    line: 'DLOG_CONSUL_TOKEN_FILE: /secrets/consul-token/loggers',
    changes: [SETTINGS, ACL, LOGGERS],
  },
  'consul.tls.secretName': {
    value: 'consul',
    line: '"addresses": { "http": "127.0.0.1" },',
    changes: [SETTINGS, CONSUL_SETTINGS, 'Service/-consul', LOGGERS, CONSUL],
  },
  'consul.tls.caSecret.name': { value: 'ca', within: 'external', line: 'secretName: ca', changes: [LOGGERS] },
  'consul.tls.caSecret.key': {
    value: 'tls.crt',
    within: 'external',
    line: 'DLOG_CONSUL_CA_FILE: /secrets/consul-ca/tls.crt',
    changes: [SETTINGS, LOGGERS],
  },
  'consul.acl.managementSecret.name': {
    value: 'other',
    within: 'secure',
    line: 'secretName: other',
    changes: [ACL, CONSUL],
  },
  'consul.acl.managementSecret.key': {
    value: 'root',
    within: 'secure',
    line: 'value: /secrets/management/root',
    changes: [ACL, CONSUL],
  },
  'consul.acl.resources': {
    value: { requests: { cpu: '7' } },
    within: 'secure',
    line: 'cpu: "7"',
    changes: [ACL],
  },
  'consul.gossip.keySecret.name': {
    value: 'gossip',
    line: '- -encrypt=$(CONSUL_GOSSIP_KEY)',
    changes: [CONSUL],
  },
  'consul.gossip.keySecret.key': {
    value: 'gossip',
    within: 'secure',
    line: 'key: gossip',
    changes: [CONSUL],
  },
  'consul.replicas': {
    value: 5,
    line: '"bootstrap_expect": 5,',
    changes: [SETTINGS, CONSUL_SETTINGS, LOGGERS, CONSUL],
  },
  'consul.image.repository': {
    value: 'registry.test/consul',
    line: 'image: registry.test/consul:1.19.2',
    changes: [CONSUL],
  },
  'consul.image.tag': { value: '1.20.1', line: 'image: hashicorp/consul:1.20.1', changes: [CONSUL] },
  'consul.image.pullPolicy': { value: 'Always', line: 'imagePullPolicy: Always', changes: [CONSUL] },
  'consul.persistence.size': { value: '2Gi', line: 'storage: 2Gi', changes: [CONSUL] },
  'consul.persistence.storageClass': { value: 'fast', line: 'storageClassName: "fast"', changes: [CONSUL] },
  'consul.resources': { value: { requests: { cpu: '7' } }, line: 'cpu: "7"', changes: [CONSUL] },
  'consul.topologySpread': {
    value: 'DoNotSchedule',
    line: 'whenUnsatisfiable: DoNotSchedule',
    changes: [CONSUL],
  },
  'consul.nodeSelector': {
    value: { disk: 'fast' },
    within: 'secure',
    line: 'disk: fast',
    changes: [ACL, CONSUL],
  },
  'consul.tolerations': {
    value: [{ key: 'dedicated', operator: 'Exists' }],
    within: 'secure',
    line: '- key: dedicated',
    changes: [ACL, CONSUL],
  },
  'consul.podAnnotations': { value: { 'example.com/a': 'b' }, line: 'example.com/a: b', changes: [CONSUL] },
  'networkPolicy.enabled': {
    value: true,
    line: 'policyTypes: [Ingress, Egress]',
    changes: [POLICY, 'NetworkPolicy/-consul', 'NetworkPolicy/-producer'],
  },
  'networkPolicy.apiForAll': { value: true, within: 'secure', line: null, changes: [POLICY] },
  'networkPolicy.clientNamespaces': {
    value: { team: 'blue' },
    within: 'secure',
    line: 'team: blue',
    changes: [POLICY],
  },
  'networkPolicy.monitoringNamespace': {
    value: { team: 'watch' },
    within: 'secure',
    line: 'team: watch',
    changes: [POLICY, 'NetworkPolicy/-producer'],
  },
  'networkPolicy.kubernetesApi.cidrs': {
    value: ['10.0.0.1/32'],
    within: 'secure',
    line: 'cidr: "10.0.0.1/32"',
    changes: [POLICY],
  },
  'networkPolicy.kubernetesApi.ports': {
    value: [16443],
    within: 'secure',
    line: '- port: 16443',
    changes: [POLICY],
  },
  'monitoring.enabled': {
    value: true,
    line: 'kind: ServiceMonitor',
    changes: [POD_MONITOR, SERVICE_MONITOR],
  },
  'monitoring.interval': {
    value: '5s',
    within: 'secure',
    line: 'interval: 5s',
    changes: [POD_MONITOR, SERVICE_MONITOR],
  },
  'monitoring.labels': {
    value: { release: 'prometheus' },
    within: 'secure',
    line: 'release: prometheus',
    changes: [POD_MONITOR, SERVICE_MONITOR],
  },
  'monitoring.tokenSecret.name': {
    value: 'other',
    within: 'secure',
    line: 'name: other',
    changes: [SERVICE_MONITOR],
  },
  'monitoring.tokenSecret.key': {
    value: 'prometheus',
    within: 'secure',
    line: 'key: prometheus',
    changes: [SERVICE_MONITOR],
  },
  'monitoring.rules.enabled': { value: true, line: 'kind: PrometheusRule', changes: [RULES] },
  'monitoring.rules.labels': {
    value: { release: 'prometheus' },
    within: 'secure',
    line: 'release: prometheus',
    changes: [RULES],
  },
  'monitoring.rules.runbooks': {
    value: 'https://runbooks.test',
    within: 'secure',
    line: 'runbook_url: https://runbooks.test/no-leader.md',
    changes: [RULES],
  },
  'monitoring.rules.thresholds.followerLagRecords': {
    value: 7001,
    within: 'secure',
    line: /> 7001$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.commitStalledSeconds': {
    value: 7002,
    within: 'secure',
    line: /> 7002$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.slowFsyncSeconds': {
    value: 7003,
    within: 'secure',
    line: /> 7003$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.leaderChanges': {
    value: 7004,
    within: 'secure',
    line: /> 7004$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.diskFreeRatio': {
    value: 0.7,
    within: 'secure',
    line: /< 0\.7$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.diskFullWithinHours': {
    value: 7005,
    within: 'secure',
    line: / 7005 hours$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.appendErrorRatio': {
    value: 0.6,
    within: 'secure',
    line: /> 0\.6$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.certificateExpiringDays': {
    value: 21,
    within: 'secure',
    line: /< 21 \* 86400$/,
    changes: [RULES],
  },
  'monitoring.rules.thresholds.certificateAlmostExpiredDays': {
    value: 3,
    within: 'secure',
    line: /< 3 \* 86400$/,
    changes: [RULES],
  },
  'monitoring.dashboard.enabled': { value: true, line: 'grafana_dashboard: "1"', changes: [DASHBOARD] },
  'monitoring.dashboard.labels': {
    value: { grafana_board: 'yes' },
    within: 'secure',
    line: 'grafana_board: "yes"',
    changes: [DASHBOARD],
  },
  'monitoring.dashboard.annotations': {
    value: { grafana_folder: 'Logs' },
    within: 'secure',
    line: 'grafana_folder: Logs',
    changes: [DASHBOARD],
  },
  fullnameOverride: { value: 'audit', line: 'name: audit', changes: 'all' },
};
