import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Which network addresses may be dialled. Public unicast only, unless the grant names the block.
 * The classes are IANA's special-purpose registries as `ipaddr.js` keeps them.
 */

/**
 * Public by its number, and yet of the machine that the host runs on: where Azure tells a machine what it is and gives it its
 * certificates (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16). Other clouds use
 * addresses that no range calls public.
 */
const OF_THE_MACHINE = '168.63.129.16';

/** CIDR blocks that an operator named; throws RangeError for text that is none. */
export function parseNetworks(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix = ''] = block.split('/');
    const family = address.includes('%') ? 0 : isIP(address);
    const bits = Number(prefix);
    if (family === 0 || !/^\d{1,3}$/.test(prefix) || bits > (family === 4 ? 32 : 128)) {
      throw new RangeError(`${block} is not a CIDR block such as 10.1.0.0/16`);
    }
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** Whether an address, as the resolver or the URL parser spelled it, may be dialled. */
export function mayDial(address: string, privateNetworks: BlockList): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  if (privateNetworks.check(address, family === 4 ? 'ipv4' : 'ipv6')) return true;
  return isPublic(address);
}

function isPublic(address: string): boolean {
  if (address.includes('%') || !ipaddr.isValid(address)) return false;
  // An IPv4 address in IPv6 clothes (mapped, NAT64, 6to4, Teredo) has a range of its own, none of
  // which is `unicast`, so that it is refused whatever it wraps.
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast' || parsed.toString() === OF_THE_MACHINE) return false;
  // IANA has given out no global unicast address outside 2000::/3.
  return parsed.kind() === 'ipv4' || (parsed.toByteArray()[0] ?? 0) >> 5 === 1;
}
