// What is judged of every request before its route and its token: a head that no route would look at, that Node would half understand,
// or that a web page made a browser send. One rule for all entry points, the WebSocket handshake included.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { LoggerError } from '../errors.ts';

/** Names under which a browser may ask a listener on a loopback address; null where any name may be right. */
export type KnownHosts = readonly string[] | null;

const READS: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];
/** What a browser says of a request by a page of the same origin, and of one by the user. */
const OWN_SITE: readonly (string | undefined)[] = ['same-origin', 'none'];

export function oddityOf(request: IncomingMessage, hosts: KnownHosts): LoggerError | null {
  const { method, headers, httpVersion } = request;
  const repeated = repeatedField(request);
  if (repeated !== undefined)
    return new LoggerError('invalid-request', `the header field ${repeated} is given more than once`);
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    return new LoggerError(
      'unsupported-transfer-coding',
      `transfer coding ${JSON.stringify(coding)} is not taken, only chunked`,
    );
  if (httpVersion === '1.1' && headers.host === undefined)
    return new LoggerError('invalid-request', 'HTTP/1.1 without a Host header field');
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && (method === 'GET' || method === 'HEAD'))
    return new LoggerError('invalid-request', `${method} takes no body`);
  return strangerOf(request, hosts);
}

/** Node takes the first of these and drops the others without a word, where a proxy on the way may have taken the last. */
const SINGLE = ['host', 'content-type', 'authorization'] as const;

function repeatedField({ rawHeaders }: IncomingMessage): string | undefined {
  const seen: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    const name = SINGLE.find((one) => one.length === given.length && one === given.toLowerCase());
    if (name === undefined) continue;
    if (seen.includes(name)) return name;
    seen.push(name);
  }
  return undefined;
}

/**
 * Any web page can make its visitor's browser send a POST anywhere, or open a WebSocket, without being asked; and under a name of
 * its own that leads to 127.0.0.1 (DNS rebinding) it reads the answers too. Clients other than browsers send none of these fields.
 */
function strangerOf({ method, headers }: IncomingMessage, hosts: KnownHosts): LoggerError | null {
  const { host, origin, upgrade, 'sec-fetch-site': site } = headers;
  if (hosts !== null && host !== undefined && !isKnown(host, hosts))
    return new LoggerError('unknown-host', `${JSON.stringify(host)} is no name of this logger`);
  if (READS.includes(method) && upgrade === undefined) return null;
  if (site !== undefined ? OWN_SITE.includes(String(site)) : isSameOrigin(origin, host)) return null;
  return new LoggerError('cross-site', 'a page of another site may not change anything here');
}

const isSameOrigin = (origin: string | undefined, host: string | undefined): boolean =>
  origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);

/** An address was looked up nowhere, so that nobody can have made it lead here. */
function isKnown(host: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const name = nameOf(`http://${host}`);
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || hosts.includes(name);
}

const nameOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '');

/** What to know of a listener on `listenHost` whose API has the base URL `url`. */
export function knownHosts(listenHost: string, url: string): KnownHosts {
  const isLoopback = listenHost === 'localhost' || listenHost === '::1' || /^127(\.\d+){3}$/.test(listenHost);
  return isLoopback ? [nameOf(url)] : null;
}
