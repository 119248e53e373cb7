// The status page's reader of event streams, out of its script, with what a script finds in a browser around it.

export type Row = Readonly<Record<string, unknown>>;
export type Follow = (
  offset: number,
  signal: AbortSignal,
  on: { onOpen(): void; onRows(rows: readonly Row[]): void },
) => Promise<void>;

/** Reads from the logger at `url`, until `restore` takes the browser away again. */
export async function pageFollow(url: string): Promise<{ follow: Follow; restore: () => void }> {
  const restore = inBrowserOf(url);
  // @ts-expect-error: a page's script has no types
  const { follow } = (await import('../../src/page/api.js')) as { follow: Follow };
  return { follow, restore };
}

/** What the page's script finds around it; returns how to take it away again. */
function inBrowserOf(url: string): () => void {
  const around = globalThis as { fetch: typeof fetch; sessionStorage?: unknown };
  const { fetch: own } = around;
  const storage = Object.getOwnPropertyDescriptor(around, 'sessionStorage');
  around.fetch = (path, options) => own(String(path).startsWith('/') ? url + String(path) : path, options);
  Object.defineProperty(around, 'sessionStorage', { value: { getItem: () => null }, configurable: true });
  return () => {
    around.fetch = own;
    if (storage) Object.defineProperty(around, 'sessionStorage', storage);
    else delete around.sessionStorage;
  };
}
