// One line on a terminal that is drawn over again, and what such lines are made of.

const DRAW_EVERY_MS = 100;
const BAR_COLUMNS = 24;
const ERASE_LINE = '\r\u001b[2K';

/** Where the line is drawn. */
export interface ProgressTerminal {
  write(text: string): void;
  readonly columns: number;
}

export class StatusLine {
  readonly #terminal: ProgressTerminal;
  readonly #timer: NodeJS.Timeout;

  /** `line` is asked again and again for the text; what does not fit into the terminal is left out. */
  constructor(terminal: ProgressTerminal, line: () => string) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => {
      terminal.write(ERASE_LINE + line().slice(0, Math.max(1, terminal.columns - 1)));
    }, DRAW_EVERY_MS);
    this.#timer.unref();
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.#timer);
    this.#terminal.write(ERASE_LINE);
  }
}

/** Of a part from 0 to 1. */
export function bar(part: number): string {
  const within = Math.min(1, Math.max(0, part));
  const filled = Math.floor(within * BAR_COLUMNS);
  const percent = String(Math.floor(within * 100)).padStart(3);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_COLUMNS - filled)}] ${percent} %`;
}

export const grouped = (value: number): string => value.toLocaleString('en-US');

export const clock = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};
