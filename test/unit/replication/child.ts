// A logger's wire in a process of its own, for tests that kill, stop or block it. Started by children.ts.
import { blockThread, type ToChild } from './children.ts';
import { Node } from './nodes.ts';

const STEP_MS = 10;

const { id, peers, suspectMs } = JSON.parse(process.argv[2] ?? '') as {
  id: string;
  peers: { id: string; peer: string }[];
  suspectMs: number;
};
const node = await Node.create({ after: () => {} }, id, { suspectMs });
node.start(...peers);
node.transport.setBeat({ promisedEpoch: 1, claim: null, established: false });
// Without the parent there is nobody to run for.
process.on('disconnect', () => process.exit());
process.on('message', ({ blockMs, steps }: ToChild) => {
  process.send?.('blocking', () => {
    for (const endMs = performance.now() + blockMs; performance.now() < endMs; ) {
      if (steps) node.transport.stepped();
      blockThread(steps ? STEP_MS : blockMs);
    }
    process.send?.('turning');
  });
});
process.send?.(node.address);
