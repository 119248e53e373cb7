// `helm test`: appends a record through the leader Service, then reads it back through the Service of all loggers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { LEADER_URL, LOGGERS_URL, TOKEN_FILE } = process.env;
const authorization = TOKEN_FILE ? { authorization: `Bearer ${readFileSync(TOKEN_FILE, 'utf8').trim()}` } : {};
const deadlineMs = Date.now() + 60_000; // an installation that is still electing its first leader gets this long
const attemptMs = 5_000;
const value = `helm test ${new Date().toISOString()} ${crypto.randomUUID()}`;

/** Until the deadline, since a leader may just be changing. Appending again at worst stores the text twice. */
async function eventually(what, attempt) {
  for (;;) {
    try {
      return await attempt(AbortSignal.timeout(attemptMs));
    } catch (error) {
      if (Date.now() > deadlineMs) throw new Error(`could not ${what}`, { cause: error });
      console.log(`${what}: ${error.cause?.message ?? error.message}; trying again`);
      await sleep(1_000);
    }
  }
}

const appended = await eventually('append through the leader Service', async (signal) => {
  const headers = { 'content-type': 'text/plain', ...authorization };
  const answer = await fetch(`${LEADER_URL}/api/v1/log`, { method: 'POST', body: value, headers, signal });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
  return JSON.parse(text);
});
console.log(`appended at offset ${appended.offset} in epoch ${appended.epoch}`);

const record = await eventually('read it back through the Service of all loggers', async (signal) => {
  const query = `offset=${appended.offset}&limit=1`;
  const answer = await fetch(`${LOGGERS_URL}/api/v1/log?${query}`, { headers: authorization, signal });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
  if (text.trim() === '') throw new Error('the record is not committed on this logger yet');
  return JSON.parse(text.trim().split('\n')[0]);
});
assert.equal(record.offset, appended.offset);
assert.equal(record.value, value);
console.log('read it back');
