// Damage as data: what is done to good bytes or to a good JSON value. Places are numbers taken modulo the size of whatever is
// damaged, so that the same damage fits any case and shrinks with it.
import fc from 'fast-check';

export type ByteDamage =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'remove' | 'zero' | 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  /** A 32-bit number written over what is there: most lengths, counts and CRCs are such numbers. */
  | { readonly kind: 'word'; readonly at: number; readonly value: number };

const place = fc.nat({ max: 2 ** 24 });
const length = fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 5000 }));
/** Around the borders of what lengths may be. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 12, 61, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000000, 4096, 0x01000001),
  fc.nat({ max: 300 }),
);

export const byteDamage: fc.Arbitrary<ByteDamage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip'), at: place, bit: fc.nat({ max: 7 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut'), at: place }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('remove', 'zero', 'repeat'), at: place, length }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('insert'),
      at: place,
      bytes: fc.oneof(
        { weight: 3, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }) },
        { weight: 1, arbitrary: fc.constant<Uint8Array>(Buffer.from('\r\n')) },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('word'), at: place, value: word }) },
);

export function damageBytes(good: Buffer, damages: readonly ByteDamage[]): Buffer {
  let bytes: Buffer = Buffer.from(good);
  for (const damage of damages) bytes = damageOnce(bytes, damage);
  return bytes;
}

function damageOnce(bytes: Buffer, damage: ByteDamage): Buffer {
  const at = damage.at % (bytes.length + (damage.kind === 'insert' ? 1 : 0) || 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (damage.kind) {
    case 'flip':
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << damage.bit);
      return bytes;
    case 'cut':
      return before;
    case 'remove':
      return Buffer.concat([before, after.subarray(damage.length)]);
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, damage.length), after]);
    case 'insert':
      return Buffer.concat([before, damage.bytes, after]);
    case 'zero':
      return bytes.fill(0, at, Math.min(bytes.length, at + damage.length));
    case 'word':
      if (bytes.length - at >= 4) bytes.writeUInt32BE(damage.value, at);
      return bytes;
  }
}

export type JsonDamage =
  | { readonly kind: 'put'; readonly at: number; readonly value: unknown }
  | { readonly kind: 'remove'; readonly at: number }
  | { readonly kind: 'add'; readonly at: number; readonly name: string; readonly value: unknown };

/** Stands in a case for a list nested so deep: the list itself could not be printed with the case. */
const DEEP_MARK = 'lists in lists, 1500 deep';
const DEEP_LEVELS = 1500;
/** A copy: damage may be done to what damage has put there, and the case itself must stay as it is. */
const given = (value: unknown): unknown =>
  value === DEEP_MARK
    ? JSON.parse('['.repeat(DEEP_LEVELS) + ']'.repeat(DEEP_LEVELS))
    : structuredClone(value);

/** Values that a program which believes its peer does not expect. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    1,
    -1,
    0.5,
    1e308,
    -0,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 53 - 1,
  ),
  fc.constantFrom<unknown>('', ' ', 'x', '0', '-1', '1e3', '\u0000', '\ud800', '__proto__', 'é'.repeat(2000)),
  fc.constantFrom<unknown>([], {}, [null], [[]], { length: 5 }, ['a', 'a']),
  fc.constant(DEEP_MARK),
  fc.nat(),
  fc.string(),
);

/** Names that an object has without anybody having put them there, and others. */
const oddName = fc.constantFrom('__proto__', 'constructor', 'toString', 'length', '', 'x', 'then', 'toJSON');

export const jsonDamage: fc.Arbitrary<JsonDamage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put'), at: place, value: oddValue }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), at: place }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('add'), at: place, name: oddName, value: oddValue }),
  },
);

type Holder = Record<string, unknown>;

/** The value with damage done to it; the good one stays as it is. Buffers count as one value. */
export function damageJson<T>(good: T, damages: readonly JsonDamage[]): unknown {
  const root: Holder = { value: structuredClone(good) };
  for (const damage of damages) damageNode(root, damage);
  return root.value;
}

function damageNode(root: Holder, damage: JsonDamage): void {
  const places = placesIn(root);
  const found = places[damage.at % places.length];
  if (found === undefined) return;
  const { holder, name } = found;
  if (damage.kind === 'put') define(holder, name, damage.value);
  else if (damage.kind === 'remove') {
    if (Array.isArray(holder)) holder.splice(Number(name), 1);
    else if (holder !== root) delete holder[name];
  } else {
    const node = holder[name];
    // A list has elements and no other members, as JSON knows it.
    if (Array.isArray(node)) node.push(given(damage.value));
    else if (isHolder(node)) define(node, damage.name, damage.value);
  }
}

/** Also for `__proto__`, which an assignment would take for something else. */
const define = (holder: Holder, name: string, value: unknown): void =>
  void Object.defineProperty(holder, name, {
    value: given(value),
    enumerable: true,
    writable: true,
    configurable: true,
  });

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);

/** Every field and element, the root first. Not deeper than what a good value has, for damage may be very deep. */
function placesIn(root: Holder): { holder: Holder; name: string }[] {
  const places: { holder: Holder; name: string }[] = [];
  const visit = (holder: Holder, depth: number): void => {
    for (const name of Object.keys(holder)) {
      places.push({ holder, name });
      const value = holder[name];
      if (isHolder(value) && depth < 8) visit(value, depth + 1);
    }
  };
  visit(root, 0);
  return places;
}
