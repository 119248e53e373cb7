// Outside a cluster there is no pod to label: a keeper that remembers what is wanted and does nothing.

import type { Kubernetes, LabelKeeper, LabelState, ReplicasReader, Role } from './types.ts';

class NoLabels implements LabelKeeper {
  #wanted: Role = 'follower';

  async start(): Promise<void> {}

  lead(): void {
    this.#wanted = 'leader';
  }

  follow(): void {
    this.#wanted = 'follower';
  }

  tell(): void {}

  state(): LabelState {
    return { enabled: false, wanted: this.#wanted, observed: null, inSync: false, error: null };
  }

  async stop(): Promise<void> {}
}

/** Also for a logger in a cluster that is told of no StatefulSet. */
export const noReplicas: ReplicasReader = {
  replicas: null,
  error: null,
  start() {},
  async refresh() {},
  async stop() {},
};

export function disabledKubernetes(): Kubernetes {
  return { enabled: false, reachable: null, label: new NoLabels(), replicas: noReplicas, async stop() {} };
}
