// CRC-32C of bytes whose parts' CRCs are known, without another pass over them. A batch of a busy log passed through the processor
// six times in its leader for the sake of CRCs alone; what is asked for after the first time follows from what is known.
//
// A CRC is a remainder of polynomials over two elements: that of A followed by B is that of A, multiplied by x to the number
// of B's bits, plus that of B. As in zlib's crc32_combine.

/** Castagnoli's polynomial, lowest power in the highest bit, as CRCs are kept. */
const POLYNOMIAL = 0x82f63b78;
/** The polynomial 1, kept so. */
const ONE = 0x80000000;
/** Lengths are below 2^32 bytes. */
const LENGTH_BITS = 32;

/** The product modulo the polynomial. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let rest = a; rest !== 0; rest <<= 1) {
    product ^= shifted & (rest >> 31);
    shifted = (shifted >>> 1) ^ (POLYNOMIAL & -(shifted & 1));
  }
  return product;
}

/** x to the 8 * 2^n: what a CRC is multiplied by for so many bytes that follow. */
const POWERS: readonly number[] = Array.from({ length: LENGTH_BITS }).reduce<number[]>((powers) => {
  const last = powers.at(-1);
  powers.push(last === undefined ? ONE >>> 8 : multiply(last, last));
  return powers;
}, []);

/** What `crc` of the bytes in front adds to that of the whole when `lengthBytes` follow them. */
export function shiftCrc(crc: number, lengthBytes: number): number {
  let shifted = crc;
  for (let bit = 0, rest = lengthBytes; rest > 0; bit += 1, rest = Math.floor(rest / 2))
    if (rest % 2 === 1) shifted = multiply(POWERS[bit] as number, shifted);
  return shifted >>> 0;
}

/** The CRC of bytes with `crc`, followed by `lengthBytes` with `nextCrc`. */
export const joinCrcs = (crc: number, nextCrc: number, lengthBytes: number): number =>
  (shiftCrc(crc, lengthBytes) ^ nextCrc) >>> 0;
