// `npm start`: the whole stack on this machine. Reads the command line, joins the stack with the terminal, and makes sure that
// it ends in order however it is asked to.
import { ConfigError } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { Emit } from './events.ts';
import { parseFlags, type StackFlags, USAGE } from './flags.ts';
import { readKeys } from './keys.ts';
import { renderer } from './render.ts';
import { Stack, StackError } from './stack.ts';

/** From sysexits.h: a wrong command line, something needed is not there, a fault of ours. */
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;
const EXIT_SOFTWARE = 70;
/** npm passes on a Ctrl-C that the terminal has sent here as well: within this time a second one is the same one. */
const SAME_SIGNAL_MS = 1_000;

const parsed = parseFlags(process.argv.slice(2));
if (parsed.kind === 'run') await run(parsed.flags);
else if (parsed.kind === 'help') process.stdout.write(`${USAGE}\n`);
else {
  process.stderr.write(`${parsed.problems.join('\n')}\n\n${USAGE}\n`);
  process.exitCode = EXIT_USAGE;
}

async function run(flags: StackFlags): Promise<void> {
  const keys = !flags.json && process.stdin.isTTY === true && process.stdout.isTTY === true;
  const stack = new Stack(flags, printer(flags.json, keys));
  let endedMs: number | null = null;
  const end = (reason: string, exitCode = 0): void => {
    if (endedMs !== null) return;
    endedMs = performance.now();
    stack.stop(reason).then(
      () => process.exit(exitCode),
      (error: unknown) => {
        process.stderr.write(`${messageOf(error)}\n`);
        process.exit(EXIT_SOFTWARE);
      },
    );
  };
  const onSignal = (signal: string): void => {
    if (endedMs === null) return void end(signal);
    if (performance.now() - endedMs < SAME_SIGNAL_MS) return;
    // Asked again, so it took too long: the guards end Consul and whatever else is left when this process goes.
    stack.killAll();
    process.exit(EXIT_SOFTWARE);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // Whoever read the output is gone, or whoever started this with a channel.
  process.stdout.on('error', () => end('nobody reads the output'));
  process.on('disconnect', () => end('the parent process ended'));
  try {
    await stack.start();
  } catch (error) {
    if (endedMs !== null) return; // it was told to end meanwhile, which is no failure
    const told = error instanceof StackError || error instanceof ConfigError;
    process.stderr.write(`${told ? error.message : (error as Error).stack}\n`);
    return end('it could not be started', exitCodeOf(error));
  }
  if (keys && endedMs === null)
    readKeys(process.stdin, {
      k: () => stack.killLeader(),
      t: () => void stack.transfer(),
      p: () => stack.togglePause(),
      q: () => end('q was pressed'),
      '\u0003': () => onSignal('Ctrl-C'),
    });
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return ConfigError.exitCode;
  return error instanceof StackError ? EXIT_UNAVAILABLE : EXIT_SOFTWARE;
}

function printer(json: boolean, keys: boolean): Emit {
  if (json)
    return (event) =>
      void process.stdout.write(`${JSON.stringify({ ...event, time: new Date().toISOString() })}\n`);
  const colour =
    process.env.NO_COLOR === undefined && (process.stdout.isTTY === true || process.env.FORCE_COLOR === '1');
  const render = renderer({ colour, keys });
  return (event) => void process.stdout.write(render(event));
}
