// The page and its plots on the disk.
import { readFile, writeFile } from 'node:fs/promises';
import { type PageResult, sectionsOf, withSections } from './page.ts';

const PAGE = new URL('../../docs/reference/performance.md', import.meta.url);

export async function writePage(results: readonly PageResult[]): Promise<void> {
  const sections = sectionsOf(results);
  const text = withSections(await readFile(PAGE, 'utf8'), sections);
  for (const { plots } of sections)
    for (const [file, { svg }] of Object.entries(plots))
      await writeFile(new URL(`performance-${file}.svg`, PAGE), svg);
  await writeFile(PAGE, text);
}
