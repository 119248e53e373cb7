// dlog produce: texts of the command line or lines of the input or of a file, sent in order and exactly once by one producer. Memory is
// bounded by the producer's queue: input is read no faster than it is acknowledged.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type Acknowledgement, Producer } from '../../client/index.ts';
import { jsonLine } from '../output.ts';
import { Progress } from '../progress.ts';
import type { CommandContext } from '../run.ts';

const CLOSE_MS = 1000;

export async function produce(context: CommandContext): Promise<void> {
  const { invocation, terminal } = context;
  const totalBytes = await sizeOf(context);
  const producer = new Producer(invocation.client);
  const progress = terminal.progress && new Progress(terminal.progress, totalBytes);
  const sending = new Sending(context, producer, progress);
  try {
    for await (const text of textsOf(context)) await sending.send(text);
    await sending.finish();
  } finally {
    await producer.close({ signal: AbortSignal.timeout(CLOSE_MS) });
    progress?.end();
    if (!invocation.json) terminal.note(sending.summary);
  }
}

async function* textsOf({ invocation, terminal }: CommandContext): AsyncGenerator<string> {
  const { operands, file } = invocation;
  if (operands.length > 0 && operands[0] !== '-') {
    yield* operands;
    return;
  }
  const input: NodeJS.ReadableStream = file === null ? terminal.input : createReadStream(file);
  // Readline ends quietly where its input breaks off.
  let broken: Error | null = null;
  input.once('error', (error: Error) => {
    broken = error;
  });
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  if (broken !== null) throw broken;
}

/** How many bytes are to come, line ends included; null where nobody knows. Rejects for a file that is not there. */
async function sizeOf({ invocation: { file, operands } }: CommandContext): Promise<number | null> {
  if (file !== null) {
    const found = await stat(file);
    return found.isFile() ? found.size : null;
  }
  if (operands.length === 0 || operands[0] === '-') return null;
  return operands.reduce((sum, text) => sum + bytesOf(text), 0);
}

const bytesOf = (text: string): number => Buffer.byteLength(text) + 1;

class Sending {
  readonly #context: CommandContext;
  readonly #producer: Producer;
  readonly #progress: Progress | null;
  #unsettled = new Set<Promise<void>>();
  #failure: unknown = null;
  #count = 0;
  #first: number | null = null;
  #last = 0;

  constructor(context: CommandContext, producer: Producer, progress: Progress | null) {
    this.#context = context;
    this.#producer = producer;
    this.#progress = progress;
  }

  /** Resolves when there is room for another; rejects when any has failed, and then nothing more is to be sent. */
  async send(text: string): Promise<void> {
    await this.#producer.room();
    this.#throwIfFailed();
    const { invocation, terminal } = this.#context;
    terminal.signal.throwIfAborted();
    const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout(invocation.timeoutMs)]);
    const settled = this.#producer
      .send(text, { signal })
      .then(
        (acknowledgement) => {
          this.#acknowledged(acknowledgement);
          this.#progress?.advance({ records: 1, bytes: bytesOf(text) });
        },
        (error: unknown) => {
          this.#failure ??= error;
        },
      )
      .finally(() => this.#unsettled.delete(settled));
    this.#unsettled.add(settled);
  }

  async finish(): Promise<void> {
    await Promise.all(this.#unsettled);
    this.#throwIfFailed();
  }

  get summary(): string {
    if (this.#first === null) return 'no record was acknowledged';
    const records = this.#count === 1 ? '1 record' : `${this.#count} records`;
    return `${records} acknowledged, offsets ${this.#first} to ${this.#last}`;
  }

  #acknowledged({ offset, count, epoch }: Acknowledgement): void {
    const { invocation, terminal } = this.#context;
    this.#count += count;
    this.#first ??= offset;
    this.#last = offset + count - 1;
    if (invocation.json) terminal.out(jsonLine({ offset, count, epoch }));
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}
