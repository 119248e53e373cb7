// A real Chromium that a test drives: found, started without a head, and ended with its owner. A page that logs an error or
// breaks its own content policy fails the test that opened it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Chromium logs these itself when a logger is away, which the tests bring about. */
const EXPECTED = /Failed to load resource|net::ERR_/;

export interface Owner {
  after(end: () => Promise<void>): void;
}

/** The browser named by CHROMIUM, or the one installed. */
export async function startBrowser(owner: Owner): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined)
    throw new Error('no Chromium: install Debian’s package chromium, or name one by CHROMIUM');
  // As root, as CI is, Chromium has no sandbox; the pages are ours.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  owner.after(() => browser.close());
  return browser;
}

export interface Watched {
  readonly page: Page;
  /** What the page logged as an error or threw; empty when all is well. */
  readonly errors: readonly string[];
}

/** Opens a page; resolves once it has shown the status of its logger, or whatever else `shown` selects. */
export async function openPage(
  browser: Browser,
  api: string,
  options: BrowserContextOptions = {},
  shown = '#members tbody tr',
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => void errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text())) errors.push(message.text());
  });
  await page.goto(api);
  await page.locator(shown).first().waitFor();
  return { page, errors };
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Fails on everything that axe calls serious or critical, in any of its rules for WCAG 2.2 A and AA. */
export async function assertAccessible(page: Page): Promise<void> {
  // The content policy forbids a script of another origin or inline; the debugger may evaluate one all the same.

  await page.evaluate(axe.source);
  const violations = (await page.evaluate(
    'axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => r.violations)',
  )) as Violation[];
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  assert.deepEqual(
    serious.map(({ id, nodes }) => [
      id,
      ...nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
    ]),
    [],
  );
}
