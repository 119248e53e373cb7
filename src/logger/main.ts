// The logger: reads its configuration, builds every part from the world outside inwards, and joins them.
import { collectOnOneThread, loadWhole, startSmall, tuneEngine } from '../engine.ts';
import { runProgram } from '../program.ts';

tuneEngine();
collectOnOneThread();
await startSmall(async () => {
  const { startLogger } = await loadWhole(() => import('./start.ts'));
  await runProgram(startLogger);
});
