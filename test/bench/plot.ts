// Plots as SVG text: bars for figures of different kinds, lines for one figure against what it depends on.
const [WIDTH, BAR, GAP, LEFT, RIGHT, TOP] = [720, 22, 10, 220, 90, 34];
const [PLOT_HEIGHT, PLOT_LEFT, PLOT_RIGHT, PLOT_BOTTOM] = [240, 70, 150, 48];
const TICKS = 4;
const COLORS = ['#2a6fdb', '#c2571a', '#2e8b57', '#8a4fbf'] as const;

const svg = (title: string, height: number, body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/><text x="8" y="20" font-weight="bold">${title}</text>${body}</svg>\n`;

/** Horizontal bars: one figure for each run. */
export function bars(title: string, unit: string, figures: readonly (readonly [string, number])[]): string {
  const most = Math.max(...figures.map(([, value]) => value));
  const rows = figures.map(([name, value], index) => {
    const y = TOP + index * (BAR + GAP);
    const width = Math.round(((WIDTH - LEFT - RIGHT) * value) / most);
    return `<text x="${LEFT - 8}" y="${y + 16}" text-anchor="end">${name}</text><rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" fill="${COLORS[0]}"/><text x="${LEFT + width + 6}" y="${y + 16}">${value.toLocaleString('en')} ${unit}</text>`;
  });
  return svg(title, TOP + figures.length * (BAR + GAP), rows.join(''));
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Lines over a logarithmic x; y begins at 0. Each x of a point is named below. */
export function lines(title: string, xName: string, all: readonly Line[]): string {
  const points = all.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([x]) => x))].toSorted((a, b) => a - b);
  const [low = 1, high = 1] = [xs[0], xs.at(-1)];
  const top = topOf(Math.max(...points.map(([, y]) => y)));
  const bottom = TOP + PLOT_HEIGHT;
  const right = WIDTH - PLOT_RIGHT;
  const share = (x: number): number => (high === low ? 0.5 : Math.log(x / low) / Math.log(high / low));
  const atX = (x: number): number => Math.round(PLOT_LEFT + 20 + (right - PLOT_LEFT - 40) * share(x));
  const atY = (y: number): number => Math.round(bottom - (PLOT_HEIGHT * y) / top);
  const grid = Array.from({ length: TICKS + 1 }, (_, tick) => (top / TICKS) * tick).map(
    (y) =>
      `<path d="M${PLOT_LEFT} ${atY(y)}H${right}" stroke="#ddd"/><text x="${PLOT_LEFT - 8}" y="${atY(y) + 4}" text-anchor="end">${short(y)}</text>`,
  );
  const below = xs.map(
    (x) => `<text x="${atX(x)}" y="${bottom + 18}" text-anchor="middle">${x.toLocaleString('en')}</text>`,
  );
  const drawn = all.map((line, index) => {
    const color = COLORS[index % COLORS.length];
    const path = line.points.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${atX(x)} ${atY(y)}`).join('');
    const dots = line.points.map(([x, y]) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="4" fill="${color}"/>`);
    const y = TOP + 14 + index * 20;
    return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join('')}<text x="${right + 10}" y="${y}" fill="${color}">${line.name}</text>`;
  });
  const name = `<text x="${(PLOT_LEFT + right) / 2}" y="${bottom + 38}" text-anchor="middle">${xName}</text>`;
  return svg(title, bottom + PLOT_BOTTOM, [...grid, ...below, ...drawn, name].join(''));
}

/** A round number at or above `value`, which ticks divide into round ones. */
function topOf(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value || 1));
  return ([1, 2, 4, 6, 8, 10].find((times) => times * step >= value) ?? 10) * step;
}

const short = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en');
