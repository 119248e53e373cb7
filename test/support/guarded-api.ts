// The API over TLS that asks for a token, over a logger in memory, and what a client shows it.
import type { TestContext } from 'node:test';
import { ROLES, Tokens } from '../../src/security/index.ts';
import { type RunningApi, startApi } from './api.ts';
import { Authority } from './authority.ts';

const TOKEN = 'a-token-with-every-role-there-is';

export interface GuardedApi extends RunningApi {
  readonly access: { readonly token: string; readonly ca: string };
}

export async function startGuardedApi(t: TestContext): Promise<GuardedApi> {
  const authority = await Authority.make('ours');
  const tls = await authority.certificate('logger');
  const tokens = new Tokens(ROLES.map((role) => ({ role, token: TOKEN })));
  const api = await startApi(t, {
    tls: () => tls,
    access: { tokens: () => tokens, metricsNeedToken: false },
  });
  return { ...api, access: { token: TOKEN, ca: authority.ca } };
}
