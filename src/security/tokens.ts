// Bearer tokens of the HTTP API. A directory holds one file a role, or several as `read.grafana` and `read.backup`, each with
// one token a line: so a mounted Secret is a directory of tokens, and a token is rotated by adding the new one, moving its
// users over, and removing the old one. Only digests are kept, and every comparison takes the same time.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const ROLES = ['produce', 'read', 'operate'] as const;
export type Role = (typeof ROLES)[number];

const MAX_TOKENS = 256;
const MAX_FILE_BYTES = 64 * 1024;
/** RFC 6750, 2.1, with a lower bound, since a short token is guessed. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const MIN_TOKEN_CHARS = 16;
const MAX_TOKEN_CHARS = 1024;

interface Known {
  readonly digest: Buffer;
  readonly roles: ReadonlySet<Role>;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

export class Tokens {
  readonly #known: readonly Known[];
  /** Tells a set of tokens from another without giving any away. */
  readonly fingerprint: string;

  /** The same token may stand under several roles. */
  constructor(tokens: readonly { readonly token: string; readonly role: Role }[]) {
    const roles = new Map<string, Set<Role>>();
    for (const { token, role } of tokens) roles.set(token, (roles.get(token) ?? new Set()).add(role));
    this.#known = [...roles].map(([token, of]) => ({ digest: digestOf(token), roles: of }));
    const words = this.#known.map(({ digest, roles: of }) => `${digest.toString('hex')} ${[...of].sort()}`);
    this.fingerprint = digestOf(words.sort().join('\n')).toString('hex');
  }

  get size(): number {
    return this.#known.length;
  }

  /** What a token allows; null when it is none of these. Looks at every token, wherever the match is. */
  rolesOf(token: string): ReadonlySet<Role> | null {
    const digest = digestOf(token);
    let found: ReadonlySet<Role> | null = null;
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known.roles;
    return found;
  }
}

/** Reads a directory of tokens; throws an Error that names the file and line, and no token. `last` comes back while unchanged. */
export async function readTokens(directory: string, last: Tokens | null = null): Promise<Tokens> {
  const tokens: { token: string; role: Role }[] = [];
  // Kubernetes keeps the files' versions beside them, under names that begin with two dots.
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
  for (const name of names) {
    const role = ROLES.find((one) => name === one || name.startsWith(`${one}.`));
    if (role === undefined)
      throw new Error(`${join(directory, name)}: its name is not that of a role (${ROLES.join(', ')})`);
    for (const token of linesOf(join(directory, name), await readFile(join(directory, name))))
      tokens.push({ token, role });
  }
  if (tokens.length === 0) throw new Error(`${directory} holds no file of tokens (${ROLES.join(', ')})`);
  if (tokens.length > MAX_TOKENS)
    throw new Error(`${directory} holds ${tokens.length} tokens, more than ${MAX_TOKENS}`);
  const read = new Tokens(tokens);
  return last !== null && last.fingerprint === read.fingerprint ? last : read;
}

function linesOf(file: string, content: Buffer): string[] {
  if (content.length > MAX_FILE_BYTES)
    throw new Error(`${file} is larger than ${MAX_FILE_BYTES} bytes: it holds no tokens`);
  const tokens: string[] = [];
  for (const [index, line] of content.toString('utf8').split('\n').entries()) {
    const token = line.trim();
    if (token === '' || token.startsWith('#')) continue;
    if (!TOKEN.test(token) || token.length < MIN_TOKEN_CHARS || token.length > MAX_TOKEN_CHARS)
      throw new Error(
        `${file}, line ${index + 1} is no token: ${MIN_TOKEN_CHARS} to ${MAX_TOKEN_CHARS} letters, digits and -._~+/`,
      );
    tokens.push(token);
  }
  // A file that is just being written, most likely: a role without tokens has no file.
  if (tokens.length === 0) throw new Error(`${file} holds no token`);
  return tokens;
}

/** One token from a file of its own, for a program that presents it. */
export async function readToken(file: string, last: string | null = null): Promise<string> {
  const [token, more] = linesOf(file, await readFile(file));
  if (token === undefined || more !== undefined) throw new Error(`${file} does not hold one token`);
  return token === last ? last : token;
}

/** What is sent in a header field as it is. */
const SECRET = /^[\x21-\x7e]+$/;

/** One word from a file of its own: a token of somebody else's making, such as Consul's. */
export async function readSecret(file: string, last: string | null = null): Promise<string> {
  const content = await readFile(file);
  const secret = content.length > MAX_FILE_BYTES ? '' : content.toString('utf8').trim();
  if (!SECRET.test(secret)) throw new Error(`${file} does not hold one word of printable characters`);
  return secret === last ? last : secret;
}
