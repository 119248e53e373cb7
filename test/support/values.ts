// Values of the chart, put together as Helm does it.
export type Values = Readonly<Record<string, unknown>>;

const isGroup = (value: unknown): value is Values =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Maps by name, all else as a whole; what is in `over` wins. */
export function merged(under: Values, over: Values): Values {
  const both = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = under[name];
    both[name] = isGroup(below) && isGroup(value) ? merged(below, value) : value;
  }
  return both;
}
