// Keeps Consul's ACLs as the loggers need them: one policy, and a token that has it for each secret in a directory. Observed and
// wanted are compared every few seconds and mended, so that a Consul that is not there yet, one that lost its data, and a secret
// that was replaced are all the same case. A token whose secret is gone lives on for a while, since the loggers see the new
// secret some time after this program does, and is deleted then.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const { CONSUL_URLS, CONSUL_CA_FILE, MANAGEMENT_TOKEN_FILE, TOKENS_DIR, TOKEN_KEY, POLICY, POLICY_FILE } = process.env;
const port = Number(process.env.PORT ?? 8082);
const everyMs = Number(process.env.EVERY_MS ?? 5_000);
const retireMs = Number(process.env.RETIRE_MS ?? 600_000);
const callMs = 5_000;
const description = 'made from a Secret for the loggers';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const read = (file) => readFileSync(file, 'utf8').trim();

/** One call, of the first server that answers; null for 404. */
async function consul(method, path, body) {
  const failures = [];
  for (const url of CONSUL_URLS.split(',')) {
    try {
      const answer = await call(`${url}/v1/acl/${path}`, method, body);
      if (answer.status < 500) return judged(answer, method, path);
      failures.push(`${url}: ${answer.status} ${answer.text.trim()}`);
    } catch (error) {
      if (error.refused) throw error;
      failures.push(`${url}: ${error.message}`);
    }
  }
  throw new Error(`no Consul server answers ${method} ${path}: ${failures.join('; ')}`);
}

function judged({ status, text }, method, path) {
  if (status === 404) return null;
  if (status === 200) return JSON.parse(text);
  throw Object.assign(new Error(`${method} ${path}: ${status} ${text.trim()}`), { refused: true });
}

/** Not `fetch`, which takes no CA: this one is read each time, as it may have been renewed. */
async function call(url, method, body) {
  const { request } = await import(url.startsWith('https:') ? 'node:https' : 'node:http');
  const ca = CONSUL_CA_FILE ? { ca: readFileSync(CONSUL_CA_FILE) } : {};
  const headers = { 'x-consul-token': read(MANAGEMENT_TOKEN_FILE) };
  return new Promise((resolve, reject) => {
    const options = { method, headers, ...ca, agent: false, signal: AbortSignal.timeout(callMs) };
    const outgoing = request(url, options, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode, text }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The secrets that are wanted now: that of the key itself, and those of keys like `token.next`. */
function wantedSecrets() {
  const names = readdirSync(TOKENS_DIR).filter((name) => name === TOKEN_KEY || name.startsWith(`${TOKEN_KEY}.`));
  if (!names.includes(TOKEN_KEY)) throw new Error(`there is no ${TOKEN_KEY} in ${TOKENS_DIR}`);
  return names.map((name) => {
    const secret = read(join(TOKENS_DIR, name));
    if (!uuid.test(secret)) throw new Error(`${name} is no UUID, which a Consul token must be`);
    return secret;
  });
}

/** Names a token by its secret without giving that away: secrets are random, and a digest cannot be turned back. */
function accessorOf(secret) {
  const hex = createHash('sha256').update(`distributed-logger ${secret}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

async function mendPolicy() {
  const rules = readFileSync(POLICY_FILE, 'utf8');
  const found = (await consul('GET', 'policies')).find(({ Name }) => Name === POLICY);
  if (!found) {
    console.log(`made the policy ${POLICY}`);
    return (await consul('PUT', 'policy', { Name: POLICY, Description: description, Rules: rules })).ID;
  }
  const { ID, Rules } = await consul('GET', `policy/${found.ID}`);
  if (Rules !== rules) {
    await consul('PUT', `policy/${ID}`, { ID, Name: POLICY, Description: description, Rules: rules });
    console.log(`mended the policy ${POLICY}`);
  }
  return ID;
}

const goneSinceMs = new Map();

async function mendTokens(policyId) {
  const wanted = new Map(wantedSecrets().map((secret) => [accessorOf(secret), secret]));
  const present = (await consul('GET', `tokens?policy=${policyId}`)).filter(
    ({ Description }) => Description === description,
  );
  const known = new Set(present.map(({ AccessorID }) => AccessorID));
  for (const [AccessorID, SecretID] of wanted) {
    goneSinceMs.delete(AccessorID);
    if (known.has(AccessorID)) continue;
    const token = { AccessorID, SecretID, Description: description, Policies: [{ ID: policyId }] };
    await consul('PUT', 'token', token);
    console.log(`made the token ${AccessorID}`);
  }
  for (const accessor of known) {
    if (wanted.has(accessor)) continue;
    if (!goneSinceMs.has(accessor)) goneSinceMs.set(accessor, Date.now());
    if (Date.now() - goneSinceMs.get(accessor) < retireMs) continue;
    await consul('DELETE', `token/${accessor}`);
    goneSinceMs.delete(accessor);
    console.log(`deleted the token ${accessor}`);
  }
}

let trouble = 'not looked yet';
const probes = createServer((_, response) => response.writeHead(trouble === '' ? 200 : 503).end(`${trouble}\n`));
probes.listen(port);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

for (;;) {
  try {
    await mendTokens(await mendPolicy());
    if (trouble !== '') console.log('policy and tokens are as they should be');
    trouble = '';
  } catch (error) {
    // Once for each kind of trouble, not every few seconds.
    if (error.message !== trouble) console.error(error.message);
    trouble = error.message;
  }
  await sleep(everyMs);
}
