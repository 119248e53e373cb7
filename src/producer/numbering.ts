// Messages carry their number, and a number can be read back from its message: so the log itself says where a restarted
// producer goes on, whatever epochs and sequences it was sent with.

const PLACE = '%d';

export class Numbering {
  readonly #before: string;
  readonly #after: string;

  /** `template` holds one `%d`. */
  constructor(template: string) {
    const at = template.indexOf(PLACE);
    if (at === -1) throw new TypeError(`${JSON.stringify(template)} holds no ${PLACE}`);
    this.#before = template.slice(0, at);
    this.#after = template.slice(at + PLACE.length);
  }

  textOf(number: number): string {
    return `${this.#before}${number}${this.#after}`;
  }

  /** The number in a message that was made with this template; null for any other text. */
  numberIn(text: string): number | null {
    const end = text.length - this.#after.length;
    if (!text.startsWith(this.#before) || !text.endsWith(this.#after) || end <= this.#before.length)
      return null;
    const digits = text.slice(this.#before.length, end);
    return /^[1-9]\d{0,15}$/.test(digits) ? Number(digits) : null;
  }
}
