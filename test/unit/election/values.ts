// Register values for tests.

import type { RegisterValue } from '../../../src/election/types.ts';

export const registerValue = (change: Partial<RegisterValue> = {}): RegisterValue => ({
  epoch: 1,
  leader: {
    id: 'logger-0',
    incarnation: '6f2c2a5e-2f0b-4a62-8c0c-0f8d5d9c8a11',
    api: 'http://127.0.0.1:8081',
    peer: '127.0.0.1:9091',
  },
  members: [
    { id: 'logger-0', uid: 'uid-0', peer: '127.0.0.1:9091' },
    { id: 'logger-1', uid: 'uid-1', peer: '127.0.0.1:9092' },
  ],
  membersVersion: { epoch: 1, revision: 1 },
  revision: 1,
  ...change,
});

export const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');

/** Neither a token nor authorities of its own. */
export const OPEN = { token: () => '', ca: () => undefined };
