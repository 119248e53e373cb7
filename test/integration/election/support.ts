// What the tests of the election on a real Consul share.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallReport,
  createElection,
  type Election,
  type RegisterSnapshot,
  type RegisterValue,
  type Session,
  type WriteOutcome,
} from '../../../src/election/index.ts';

interface Owner {
  after(end: () => void | Promise<void>): void;
}

export interface TestElection extends Election {
  readonly id: string;
  readonly calls: CallReport[];
  readonly warnings: string[];
  readonly taken: Error[];
}

export interface TestElectionOptions {
  readonly urls: readonly string[];
  readonly cluster?: string;
  readonly id?: string;
  readonly uid?: string;
  readonly api?: string;
  readonly token?: string;
  readonly ca?: string;
  readonly timeoutMs?: number;
}

/** A logger's election as the logger builds it; generous deadlines unless a test is about them. */
export function electionOf(owner: Owner, options: TestElectionOptions): TestElection {
  const { urls, cluster = 'test', id = `logger-${randomUUID().slice(0, 8)}`, token = '' } = options;
  const { uid = randomUUID(), api = 'http://127.0.0.1:1', timeoutMs = 5000 } = options;
  const calls: CallReport[] = [];
  const warnings: string[] = [];
  const taken: Error[] = [];
  const election = createElection({
    urls,
    token: () => token,
    ca: () => options.ca,
    cluster,
    id,
    uid,
    api,
    timeoutMs,
    sessionTtlMs: 10_000,
    log: { warn: (message) => warnings.push(message) },
    onCall: (report) => calls.push(report),
    onIdentityTaken: (error) => taken.push(error),
  });
  const opened: Session[] = [];
  const sessions = {
    open: async () => {
      const session = await election.sessions.open();
      opened.push(session);
      return session;
    },
  };
  // Whatever a failed test leaves open would renew itself for ever.
  owner.after(async () => {
    await Promise.allSettled(opened.map((session) => session.destroy()));
    await election.catalog.remove();
    election.close();
  });
  return { ...election, sessions, id, calls, warnings, taken };
}

/** The value with which `id` takes the register as it was seen. */
export function claimOf(
  id: string,
  seen: RegisterSnapshot,
  incarnation: string = randomUUID(),
): RegisterValue {
  return {
    epoch: (seen.value?.epoch ?? 0) + 1,
    leader: { id, incarnation, api: 'http://127.0.0.1:1', peer: '127.0.0.1:2' },
    members: seen.value?.members ?? [{ id, uid: `uid-of-${id}`, peer: '127.0.0.1:2' }],
    membersVersion: seen.value?.membersVersion ?? { epoch: 1, revision: 1 },
    revision: (seen.value?.revision ?? 0) + 1,
  };
}

export function done(outcome: WriteOutcome): RegisterSnapshot {
  assert.ok(outcome.kind === 'done', `the write was not done: ${JSON.stringify(outcome)}`);
  return outcome.snapshot;
}

export const refusal = (outcome: WriteOutcome): string =>
  outcome.kind === 'refused' ? outcome.reason : `not refused but ${outcome.kind}`;

/** Waits for a condition of Consul's, whose elections and restarts take seconds. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | null | false> | T | null | false,
): Promise<T> {
  const deadlineMs = 60_000;
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== false) return found;
    assert.ok(performance.now() < end, `waited ${deadlineMs} ms until ${what}`);
    await sleep(50);
  }
}

/** A plain call of Consul's API, past the code under test. */
export async function consul(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  token = '',
): Promise<unknown> {
  const response = await fetch(`${url}/v1${path}`, {
    method,
    headers: token === '' ? {} : { 'x-consul-token': token },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok || response.status === 404, `${method} ${path}: ${response.status} ${text}`);
  return response.status === 404 || text === '' ? null : JSON.parse(text);
}
