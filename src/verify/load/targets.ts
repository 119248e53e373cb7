// Addresses that take turns: the next one after a failure.
export class Targets {
  readonly #urls: readonly string[];
  #at = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  get current(): string {
    return this.#urls[this.#at % this.#urls.length] as string;
  }

  failed(): void {
    this.#at += 1;
  }
}
