// The logger: reads its configuration, builds every part from the world outside inwards, and joins them.
import { countBuffersWithHeap } from '../heap.ts';
import { runProgram } from '../program.ts';
import { startLogger } from './start.ts';

countBuffersWithHeap();
await runProgram(startLogger);
