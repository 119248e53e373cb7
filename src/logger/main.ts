// The logger: reads its configuration, builds every part from the world outside inwards, and joins them.
import { tuneEngine } from '../engine.ts';
import { runProgram } from '../program.ts';
import { startLogger } from './start.ts';

tuneEngine();
await runProgram(startLogger);
