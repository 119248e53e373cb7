// The logger: reads its configuration, builds every part from the world outside inwards, and joins them.
import { loadWhole, startSmall, tuneCollector, tuneEngine } from '../engine.ts';
import { runProgram } from '../program.ts';

tuneEngine();
tuneCollector();
await startSmall(async () => {
  const { startLogger } = await loadWhole(() => import('./start.ts'));
  await runProgram(startLogger);
});
