// By which proxy the API server is reached: the kubeconfig's own, else that of the environment, by the rules of kubectl (which are
// those of Go's net/http): names in capitals or not, no proxy for this machine, and NO_PROXY as a list of names, addresses and
// networks.
import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/** Null for none. Throws Error where the environment names something that is no URL. */
export function proxyFor(server: string, environment: Environment): string | null {
  const { protocol, hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = variable(name, environment);
  if (proxy === '' || isThisMachine(host)) return null;
  const ports = port || (protocol === 'https:' ? '443' : '80');
  const exceptions = variable('NO_PROXY', environment).split(',');
  if (exceptions.some((one) => isMeant(one.trim().toLowerCase(), host, ports))) return null;
  const url = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (!URL.canParse(url)) throw new Error(`${name} is ${JSON.stringify(proxy)}, which is no URL`);
  return url;
}

const variable = (name: string, environment: Environment): string =>
  environment[name] || environment[name.toLowerCase()] || '';

const isThisMachine = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** One of NO_PROXY: `*`, a network, an address, a domain with its subdomains, or after a dot its subdomains alone. */
function isMeant(exception: string, host: string, port: string): boolean {
  if (exception === '') return false;
  if (exception === '*') return true;
  if (exception.includes('/')) return isWithin(exception, host);
  // The colons of a bare IPv6 address begin no port.
  const [, name = exception, only] = (isIP(exception) === 6 ? null : /^(.+):(\d+)$/.exec(exception)) ?? [];
  if (only !== undefined && only !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '').replace(/^\*\./, '.');
  if (bare.startsWith('.')) return host.endsWith(bare);
  return host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`));
}

function isWithin(network: string, host: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(bits) || Number(bits) > most) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(address, Number(bits), type);
  return list.check(host, type);
}
