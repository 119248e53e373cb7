// Node's HTTP module as `require` has it. An ES import from 'node:http' reads each of its exports, and the one named WebSocket
// makes Node load a second HTTP client and all of its streams: 13 MiB of every program, for nothing.
import type * as Http from 'node:http';

export const { Agent, STATUS_CODES, createServer, get, ServerResponse } =
  process.getBuiltinModule('node:http');
export type Agent = Http.Agent;
export type ServerResponse = Http.ServerResponse;
