// dlog produce: texts of the command line or lines of the input or of a file, sent in order and exactly once by one producer. Memory is
// bounded by the producer's queue: input is read no faster than it is acknowledged.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { type Acknowledgement, ClientError, Producer } from '../../client/index.ts';
import { linesIn } from '../../lines.ts';
import { CliError } from '../cli-error.ts';
import { jsonLine } from '../output.ts';
import { Overdue } from '../overdue.ts';
import { Progress } from '../progress.ts';
import type { CommandContext } from '../run.ts';

const CLOSE_MS = 1000;
/** The highest DLOG_RECORD_LIMIT_BYTES: no logger takes a larger record, so no longer line is read whole. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const CR = 0x0d;
/** What is wrong with a record, rather than with the loggers. */
const OF_A_RECORD: readonly string[] = ['record-too-large', 'body-too-large', 'invalid-record'];

export async function produce(context: CommandContext): Promise<void> {
  const { invocation, terminal } = context;
  const totalBytes = await sizeOf(context);
  const producer = new Producer(context.options);
  const progress =
    terminal.progress &&
    new Progress(terminal.progress, {
      part: (bytes) => (totalBytes === null ? null : totalBytes === 0 ? 1 : bytes / totalBytes),
    });
  const sending = new Sending(context, producer, progress);
  try {
    await sending.sendAll(valuesOf(context, sending.over));
  } finally {
    await sending.end();
    progress?.end();
    if (!invocation.json) terminal.note(sending.summary);
  }
}

type Value = string | Buffer;

/** `over`: nothing more will be sent, so that an input that says nothing is not waited for. */
async function* valuesOf({ invocation, terminal }: CommandContext, over: AbortSignal): AsyncGenerator<Value> {
  const { operands, file } = invocation;
  if (operands.length > 0 && operands[0] !== '-') {
    yield* operands;
    return;
  }
  const signal = AbortSignal.any([terminal.signal, over]);
  const input = file === null ? (terminal.input as Readable) : createReadStream(file);
  const name = file ?? 'the input';
  const tooLong = (number: number): Error =>
    new ClientError(
      'record-too-large',
      `line ${number} of ${name} has more than ${MAX_RECORD_BYTES} bytes: no logger takes such a record`,
      { outcome: 'refused' },
    );
  try {
    // The user may want to end while the input says nothing.
    for await (const { bytes, ended } of linesIn(addAbortSignal(signal, input), MAX_RECORD_BYTES, tooLong))
      yield ended && bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
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

const bytesOf = (value: Value): number => Buffer.byteLength(value) + 1;

class Sending {
  readonly #context: CommandContext;
  readonly #producer: Producer;
  readonly #progress: Progress | null;
  readonly #overdue: Overdue;
  readonly #giveUp = (): void => this.#end(this.#context.terminal.signal.reason);
  #sent = 0;
  #unsettled = 0;
  #wake: () => void = () => {};
  #failure: unknown = null;
  #closing: Promise<void> | null = null;
  readonly #over = new AbortController();
  #count = 0;
  #first: number | null = null;
  #last = 0;

  constructor(context: CommandContext, producer: Producer, progress: Progress | null) {
    this.#context = context;
    this.#producer = producer;
    this.#progress = progress;
    const { invocation, terminal } = context;
    this.#overdue = new Overdue(invocation.timeoutMs, () =>
      this.#end(new Error(`a record was not acknowledged within ${invocation.timeoutMs} ms`)),
    );
    terminal.signal.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** What came before a fault of the input is sent all the same: only then does the fault end this. */
  async sendAll(values: AsyncIterable<Value>): Promise<void> {
    let fault: { readonly error: unknown } | null = null;
    try {
      for await (const value of values) await this.#send(value);
    } catch (error) {
      this.#throwIfFailed();
      this.#context.terminal.signal.throwIfAborted();
      if (this.#closing !== null) await this.#gaveUp(this.#closing);
      fault = { error };
    }
    await this.#finish();
    if (fault !== null) throw fault.error;
  }

  /** Resolves when there is room for another; rejects when any has failed, and then nothing more is to be sent. */
  async #send(value: Value): Promise<void> {
    if (this.#producer.full) await this.#producer.room();
    this.#throwIfFailed();
    this.#context.terminal.signal.throwIfAborted();
    if (this.#closing !== null) await this.#gaveUp(this.#closing);
    this.#overdue.sent();
    this.#unsettled += 1;
    this.#sent += 1;
    const number = this.#sent;
    this.#producer.send(value).then(
      (acknowledgement) => {
        this.#acknowledged(acknowledgement);
        this.#progress?.advance({ records: 1, bytes: bytesOf(value) });
        this.#settled();
      },
      (error: unknown) => {
        this.#failed(this.#placed(error, number));
        this.#settled();
      },
    );
  }

  async #finish(): Promise<void> {
    if (this.#unsettled > 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#throwIfFailed();
  }

  /** Gives up what is not acknowledged by now, soon. */
  async end(): Promise<void> {
    this.#overdue.end();
    this.#context.terminal.signal.removeEventListener('abort', this.#giveUp);
    await (this.#closing ?? this.#producer.close({ signal: AbortSignal.timeout(CLOSE_MS) }));
  }

  /** Aborts when a record has failed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  get summary(): string {
    if (this.#first === null) return 'no record was acknowledged';
    const records = this.#count === 1 ? '1 record' : `${this.#count} records`;
    return `${records} acknowledged, offsets ${this.#first} to ${this.#last}`;
  }

  async #gaveUp(closing: Promise<void>): Promise<never> {
    await closing;
    this.#throwIfFailed();
    throw new CliError('not-in-time', 'the last record was acknowledged too late');
  }

  #end(reason: unknown): void {
    this.#closing ??= this.#producer.close({ signal: AbortSignal.abort(reason) });
    this.#over.abort();
  }

  #settled(): void {
    this.#overdue.settled();
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#wake();
  }

  #acknowledged({ offset, count, epoch }: Acknowledgement): void {
    const { invocation, terminal } = this.#context;
    this.#count += count;
    this.#first ??= offset;
    this.#last = offset + count - 1;
    if (invocation.json) terminal.out(jsonLine({ offset, count, epoch }));
  }

  /** That it is not known what became of one record matters more than that another one was refused. */
  #failed(error: unknown): void {
    if (this.#failure === null || (isUnknown(error) && !isUnknown(this.#failure))) this.#failure = error;
    this.#over.abort();
  }

  /** A logger counts within the batch that it got: people count lines. */
  #placed(error: unknown, number: number): unknown {
    if (!(error instanceof ClientError) || !OF_A_RECORD.includes(error.code)) return error;
    const { code, message, outcome, extra } = error;
    const what = this.#context.invocation.operands.some((text) => text !== '-') ? 'text' : 'line';
    return new ClientError(code, `${what} ${number}: ${message}`, { outcome, extra, cause: error });
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

const isUnknown = (error: unknown): boolean => error instanceof ClientError && error.outcome === 'unknown';
