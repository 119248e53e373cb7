// Every target, in the order in which they run.
import type { AnyTarget } from './target.ts';
import { cli } from './targets/cli.ts';
import { config } from './targets/config.ts';

export const TARGETS: readonly AnyTarget[] = [config, cli];
