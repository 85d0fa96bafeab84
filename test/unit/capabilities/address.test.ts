import { describe, expect, it } from 'vitest';
import { mayDial, parseNetworks } from '../../../host/capabilities/address.ts';

const NONE = parseNetworks([]);

describe('mayDial() without a private network', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '140.82.121.6',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '169.253.1.1',
    '100.63.255.255',
    '2606:4700::1111',
    '2a00:1450:4001:82a::200e',
    '2001:4860:4860::8888',
  ])('allows %s', (address) => {
    expect(mayDial(address, NONE)).toBe(true);
  });

  it.each([
    ['this host', '0.0.0.0', '0.1.2.3', '::'],
    ['loopback', '127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'],
    ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456:789a::1'],
    ['link-local and cloud metadata', '169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::a9fe:a9fe', 'fd00:ec2::254'],
    ['site-local', 'fec0::1'],
    ['carrier-grade NAT', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
    ['protocol assignments', '192.0.0.1', '192.0.0.170', '2001::1', '2001:10::1'],
    ['documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    ['benchmarking', '198.18.0.1', '198.19.255.255', '2001:2::1'],
    ['6to4 relays', '192.88.99.1'],
    ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
    ['reserved and broadcast', '240.0.0.1', '255.255.255.255'],
    ['IPv4-mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::ffff:169.254.169.254'],
    ['IPv4-compatible', '::127.0.0.1', '::7f00:1', '::8.8.8.8'],
    ['IPv4-translated', '::ffff:0:127.0.0.1', '::ffff:0:7f00:1'],
    ['NAT64', '64:ff9b::7f00:1', '64:ff9b::127.0.0.1', '64:ff9b::8.8.8.8', '64:ff9b:1::7f00:1'],
    ['6to4', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::1'],
    ['Teredo', '2001:0:53aa:64c:0:0:80ff:fffe'],
    ["a cloud's own service at a public number", '168.63.129.16'],
    ['discard and unallocated', '100::1', '4000::1', '8000::1', '5f00::1'],
  ])('refuses what is %s: %j %j %j %j', (_, ...addresses) => {
    for (const address of addresses) expect([address, mayDial(address, NONE)]).toEqual([address, false]);
  });

  it.each([
    '',
    'localhost',
    'example.com',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '127.0.0.1:80',
    '[::1]',
    '::1%lo',
    'fe80::1%eth0',
    '2606:4700::1111%eth0',
    '1.1.1.1 ',
    '8.8.8.8/32',
  ])('refuses %j, which is no address', (text) => {
    expect(mayDial(text, NONE)).toBe(false);
  });
});

describe('mayDial() with private networks', () => {
  it('allows exactly the blocks that are named, and what is public', () => {
    const named = parseNetworks(['10.1.0.0/16', '127.0.0.1/32', 'fd00:1::/32']);
    const allowed = ['10.1.0.0', '10.1.255.255', '127.0.0.1', 'fd00:1::5', '8.8.8.8'];
    const refused = ['10.0.255.255', '10.2.0.0', '127.0.0.2', 'fd00:2::5', '169.254.169.254', '::1'];
    expect(allowed.filter((address) => !mayDial(address, named))).toEqual([]);
    expect(refused.filter((address) => mayDial(address, named))).toEqual([]);
  });

  it('takes a mapped address for the IPv4 address that it is', () => {
    const named = parseNetworks(['127.0.0.0/8']);
    expect(mayDial('::ffff:127.0.0.1', named)).toBe(true);
    expect(mayDial('::ffff:10.0.0.1', named)).toBe(false);
    expect(mayDial('64:ff9b::7f00:1', named)).toBe(false);
  });

  it("allows a cloud's own service only where it is named", () => {
    expect(mayDial('168.63.129.16', parseNetworks(['10.0.0.0/8']))).toBe(false);
    expect(mayDial('168.63.129.16', parseNetworks(['168.63.129.16/32']))).toBe(true);
  });

  it('with a prefix of 0 allows that family alone', () => {
    expect(mayDial('169.254.169.254', parseNetworks(['0.0.0.0/0']))).toBe(true);
    expect(mayDial('::1', parseNetworks(['0.0.0.0/0']))).toBe(false);
  });
});

describe('parseNetworks()', () => {
  it.each([
    '',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8.0',
    '10.0.0/8',
    '::/129',
    '/8',
    'localhost/8',
    '10.0.0.0/0x8',
    'fe80::1%eth0/64',
  ])('throws RangeError for %j', (block) => {
    expect(() => parseNetworks([block])).toThrow(new RangeError(`${block} is not a CIDR block such as 10.1.0.0/16`));
  });
});
