import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { describe, it } from 'node:test';
import { loopback, reachableHost } from '../../../src/logger/addresses.ts';

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

const info = (address: string, internal = false): NetworkInterfaceInfo => {
  const shared = { address, netmask: '', mac: '', internal, cidr: null };
  return address.includes(':') ? { ...shared, family: 'IPv6', scopeid: 0 } : { ...shared, family: 'IPv4' };
};
const lo4 = info('127.0.0.1', true);
const lo6 = info('::1', true);
const dual: Interfaces = {
  lo: [lo4, lo6],
  eth0: [info('fe80::7'), info('fd00::7'), info('10.0.0.7')],
};
const only6: Interfaces = { lo: [lo4, lo6], eth0: [info('fe80::7'), info('fd00::7')] };

describe('the host under which others reach a logger', () => {
  it('is where it listens, an IPv6 address in brackets', () => {
    assert.equal(reachableHost('10.0.0.9', 'fd00::1', dual), '10.0.0.9');
    assert.equal(reachableHost('::1', '', dual), '[::1]');
  });

  it('is the pod’s address where it listens on all, whatever other addresses there are', () => {
    for (const all of ['', '::', '0.0.0.0']) {
      assert.equal(reachableHost(all, 'fd00::8', dual), '[fd00::8]');
      assert.equal(reachableHost(all, '10.0.0.8', only6), '10.0.0.8');
    }
  });

  it('is outside a pod an address of IPv4, else one of IPv6 that is not link-local, else loopback', () => {
    assert.equal(reachableHost('', '', dual), '10.0.0.7');
    assert.equal(reachableHost('', '', only6), '[fd00::7]');
    assert.equal(reachableHost('', '', { lo: [lo4, lo6], eth0: [info('fe80::7')] }), '127.0.0.1');
    assert.equal(reachableHost('', '', { lo: [lo6] }), '[::1]');
  });
});

describe('loopback', () => {
  it('is 127.0.0.1 but where there is ::1 alone', () => {
    assert.equal(loopback(dual), '127.0.0.1');
    assert.equal(loopback({ lo: [lo6] }), '::1');
    assert.equal(loopback({}), '127.0.0.1');
  });
});
