// The logger: reads its configuration, builds every part from the world outside inwards, and joins them.
import { loadWhole, startSmall, tuneEngine } from '../engine.ts';
import { runProgram } from '../program.ts';

tuneEngine();
await startSmall(async () => {
  // What is imported here is not compiled as a whole, since of these packages most is never run.
  await Promise.all([import('consul'), import('fastify'), import('pino'), import('prom-client')]);
  const { startLogger } = await loadWhole(() => import('./start.ts'));
  await runProgram(startLogger);
});
