// Faults of whole nodes, which no API offers. LAB is the path of a command that has them, as
// `$LAB node cut|join|kill|start N` for a node that is called node-N; without it the tests that need them are skipped.
import { run } from './cluster.ts';

export interface NodeFaults {
  /** Pulls the node's network cable; everything on it goes on running. */
  cut(node: string): Promise<void>;
  join(node: string): Promise<void>;
}

export function nodeFaults(): NodeFaults | null {
  const { LAB } = process.env;
  if (!LAB) return null;
  const command = async (what: 'cut' | 'join', node: string): Promise<void> => {
    await run(LAB, ['node', what, node.replace(/^node-/, '')]);
  };
  return { cut: (node) => command('cut', node), join: (node) => command('join', node) };
}
