// The producer: sends numbered messages, every number once and in order, for as long as it runs.
import { runProgram } from '../program.ts';
import { startProducer } from './start.ts';

await runProgram(startProducer);
