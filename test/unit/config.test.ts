import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, loggerSettings, producerSettings, readConfig } from '../../src/config.ts';

test('the defaults alone are a whole configuration of a logger and of a producer', () => {
  const logger = readConfig(loggerSettings, { DLOG_ID: 'logger-0' });
  assert.equal(logger.id, 'logger-0');
  assert.equal(logger.apiPort, 8080);
  assert.deepEqual(logger.consulUrls, ['http://127.0.0.1:8500']);
  assert.equal(logger.peerAddress, null);
  assert.equal(readConfig(producerSettings, { DLOG_PRODUCER_NAME: 'p' }).rate, 0.2);
});

test('every problem is named at once: the variable, what it got, what it takes', () => {
  const given = {
    DLOG_ID: 'Logger 0',
    DLOG_API_PORT: '80800',
    DLOG_CONSUL_URLS: 'http://a:8500,ftp://b',
    DLOG_KUBERNETES: 'maybe',
    DLOG_PRINT_RECORDS: 'yes',
    DLOG_PEER_ADDRESS: 'logger-0',
    DLOG_PEERS: 'logger-0',
  };
  assert.throws(
    () => readConfig(loggerSettings, given),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.problems.length, Object.keys(given).length);
      for (const [variable, got] of Object.entries(given))
        assert.ok(
          error.problems.some((line) => line.startsWith(`${variable} is ${JSON.stringify(got)}: it takes `)),
        );
      return true;
    },
  );
});

test('an address of a peer that the wire could not take is refused here, under the name of its variable', () => {
  for (const [variable, value] of [
    ['DLOG_PEER_ADDRESS', 'http://h:1'],
    ['DLOG_PEER_ADDRESS', 'a b:9090'],
    ['DLOG_PEER_ADDRESS', 'h:0'],
    ['DLOG_PEERS', 'logger-0=h:99999'],
    ['DLOG_PEERS', 'logger-0=h/x:1'],
  ] as const)
    assert.throws(() => readConfig(loggerSettings, { DLOG_ID: 'x', [variable]: value }), {
      name: 'ConfigError',
      message: new RegExp(`${variable} is `),
    });
});

const taken: [string, string, unknown][] = [
  ['DLOG_CONSUL_URLS', 'http://a:8500, https://b/consul/', ['http://a:8500', 'https://b/consul']],
  ['DLOG_PEERS', 'logger-0=h:1,logger-1=i:2', 'logger-0=h:1,logger-1=i:2'],
  ['DLOG_PEER_ADDRESS', '[::1]:9090', '[::1]:9090'],
  ['DLOG_API_URL', 'http://10.0.0.1:8080/', 'http://10.0.0.1:8080'],
  ['DLOG_PRINT_RECORDS', 'false', false],
];
for (const [variable, value, expected] of taken)
  test(`${variable} takes ${value}`, () => {
    const config = readConfig(loggerSettings, { DLOG_ID: 'x', [variable]: value });
    const name = Object.entries(loggerSettings).find(([, setting]) => setting.variable === variable)?.[0];
    assert.deepEqual(config[name as keyof typeof config], expected);
  });

test('a wrong URL is named without the password in it', () => {
  const environment = { DLOG_CONSUL_URLS: 'http://user:secret@one:8500,http://user:s@cret@two:8500?x=1' };
  assert.throws(
    () => readConfig(loggerSettings, environment),
    (error: ConfigError) => {
      assert.match(error.message, /DLOG_CONSUL_URLS is "http:\/\/one:8500,http:\/\/two:8500\?x=1"/);
      return true;
    },
  );
});
