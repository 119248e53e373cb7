// A story on a cluster: tests in order, each of which begins with what the one before has left. Once one has failed, the rest
// would only say so again.
import { test } from 'node:test';

type Step = (name: string, body: () => Promise<void>, options?: { skip?: string | false }) => Promise<void>;

/** `diagnose` looks at what broke while it is there. */
export function storySteps(diagnose: () => Promise<void>): Step {
  let failed = false;
  return (name, body, { skip = false } = {}) =>
    test(name, { skip }, async (t) => {
      if (failed) return t.skip('the story broke before');
      try {
        await body();
      } catch (error) {
        failed = true;
        await diagnose();
        throw error;
      }
    });
}
