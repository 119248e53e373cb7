// Every target, in the order in which they run.
import type { AnyTarget } from './target.ts';
import { client } from './targets/answers/client.ts';
import { consul } from './targets/answers/consul.ts';
import { events } from './targets/answers/events.ts';
import { watch } from './targets/answers/watch.ts';
import { cli } from './targets/cli.ts';
import { config } from './targets/config.ts';
import { files } from './targets/files/files.ts';
import { http } from './targets/http/http.ts';
import { beats } from './targets/peers/beats.ts';
import { peers } from './targets/peers/peers.ts';
import { tls } from './targets/tls/tls.ts';

export const TARGETS: readonly AnyTarget[] = [
  config,
  cli,
  files,
  http,
  peers,
  beats,
  tls,
  client,
  events,
  consul,
  watch,
];
