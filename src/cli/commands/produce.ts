// dlog produce: texts of the command line or lines of the input, sent in order and exactly once by one producer. Memory is
// bounded by the producer's queue: input is read no faster than it is acknowledged.
import { createInterface } from 'node:readline';
import { type Acknowledgement, Producer } from '../../client/index.ts';
import { jsonLine } from '../output.ts';
import type { CommandContext } from '../run.ts';

const CLOSE_MS = 1000;

export async function produce(context: CommandContext): Promise<void> {
  const { invocation, terminal } = context;
  const producer = new Producer(invocation.client);
  const sending = new Sending(context, producer);
  try {
    for await (const text of textsOf(context)) await sending.send(text);
    await sending.finish();
  } finally {
    await producer.close({ signal: AbortSignal.timeout(CLOSE_MS) });
    if (!invocation.json) terminal.note(sending.summary);
  }
}

async function* textsOf({ invocation, terminal }: CommandContext): AsyncGenerator<string> {
  const { operands } = invocation;
  if (operands.length > 0 && operands[0] !== '-') yield* operands;
  else yield* createInterface({ input: terminal.input, crlfDelay: Number.POSITIVE_INFINITY });
}

class Sending {
  readonly #context: CommandContext;
  readonly #producer: Producer;
  #unsettled = new Set<Promise<void>>();
  #failure: unknown = null;
  #count = 0;
  #first: number | null = null;
  #last = 0;

  constructor(context: CommandContext, producer: Producer) {
    this.#context = context;
    this.#producer = producer;
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
        (acknowledgement) => this.#acknowledged(acknowledgement),
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
