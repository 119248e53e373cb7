/** A text without the user names and passwords of URLs in it, for people and logs. */
export const withoutUserInfo = (text: string): string => text.replace(/(\w:\/\/)[^/?#\s,]*@/g, '$1');
