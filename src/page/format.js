// Numbers and times as people read them, and the little of the DOM that all parts need.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const UNITS = ['B', 'kB', 'MB', 'GB'];

export const count = (value) => (value === null || value === undefined ? '–' : whole.format(value));
export const records = (value) => `${count(value)} ${value === 1 ? 'record' : 'records'}`;
export const rate = (value) => `${value < 10 ? Math.round(value * 10) / 10 : whole.format(value)}/s`;

export function bytes(value) {
  let unit = 0;
  let amount = value;
  while (amount >= 1000 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount < 10 && unit > 0 ? amount.toFixed(1) : amount.toFixed(0)} ${UNITS[unit]}/s`;
}

export function milliseconds(value) {
  if (value < 0.995) return `${whole.format(value * 1000)} µs`;
  if (value < 1000) return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
  return `${(value / 1000).toFixed(1)} s`;
}

const two = (value) => String(value).padStart(2, '0');
export function clock(ms) {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
export const clockMs = (ms) => `${clock(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, '0')}`;
/** With the day, where it is not today. */
export function moment(ms) {
  const date = new Date(ms);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return date.toDateString() === new Date().toDateString() ? clock(ms) : `${day} ${clock(ms)}`;
}

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; text is text, never markup. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Makes `made` the children of a node and leaves those alone that are equal, and with them selections and readers. */
export function fill(node, made) {
  for (const [at, child] of made.entries()) {
    const present = node.children[at];
    if (present === undefined) node.append(child);
    else if (!present.isEqualNode(child)) present.replaceWith(child);
  }
  while (node.children.length > made.length) node.lastElementChild.remove();
}

/** Sets a text only when it differs, so that screen readers and selections are left alone. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
