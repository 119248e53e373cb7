// Waits for a condition instead of a time.

const deadlineMs = 10_000;
const everyMs = 2;

/** Resolves once `condition` holds; rejects when it does not within a deadline that only a fault reaches. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still waiting after ${deadlineMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
