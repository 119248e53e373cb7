// Text of others (records, messages of other machines) as a terminal may show it: control characters could set its title, clear
// it or forge lines, and characters that turn the direction around hide what is there.

const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const UNSAFE_IN_LINES = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const PLACEHOLDER = '·';

/** On one line. */
export const oneLine = (text: string): string => text.replaceAll(UNSAFE, PLACEHOLDER);

/** Line feeds stay. */
export const printableLines = (text: string): string => text.replaceAll(UNSAFE_IN_LINES, PLACEHOLDER);
