// What a Markdown page holds, as far as tests of the documents ask: headings as GitHub names them, links, code.

export interface Page {
  /** Names that a link may end with after `#`. */
  readonly anchors: ReadonlySet<string>;
  /** Targets of links and images, as written. */
  readonly links: readonly string[];
  /** All text, code included. */
  readonly text: string;
  /** The lines of fenced blocks, and each piece of inline code. */
  readonly code: readonly string[];
}

const FENCE = /^ {0,3}(```+|~~~+)/;
const HEADING = /^#{1,6} +(.+?)(?: +#+)?$/;
const ANCHOR = /<a id="([^"]+)">/g;
const LINK = /!?\[(?:[^\]\\]|\\.)*\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g;
const LINKED_IMAGE = /\]\(([^)\s]+)\)/g;
const INLINE_CODE = /`+([^`]+)`+/g;

/** GitHub's name for a heading: lower case, dashes for blanks, and no punctuation but dashes and underscores. */
export const slugOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');

export function parsePage(text: string): Page {
  const anchors = new Set<string>();
  const links: string[] = [];
  const code: string[] = [];
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    const mark = FENCE.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence)) fence = null;
      else code.push(line);
      continue;
    }
    if (mark) {
      fence = mark;
      continue;
    }
    const heading = HEADING.exec(line)?.[1];
    if (heading !== undefined) addAnchor(anchors, slugOf(heading));
    for (const [, id] of line.matchAll(ANCHOR)) anchors.add(id as string);
    for (const [, inline] of line.matchAll(INLINE_CODE)) code.push(inline as string);
    const prose = line.replaceAll(INLINE_CODE, '');
    for (const pattern of [LINK, LINKED_IMAGE])
      for (const [, target] of prose.matchAll(pattern))
        if (!links.includes(target as string)) links.push(target as string);
  }
  if (fence !== null) throw new Error('a fenced block is not closed');
  return { anchors, links, text, code };
}

/** A second heading of the same name gets a number. */
function addAnchor(anchors: Set<string>, slug: string): void {
  let name = slug;
  for (let number = 1; anchors.has(name); number++) name = `${slug}-${number}`;
  anchors.add(name);
}
