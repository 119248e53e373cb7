// Secrets that programs are given as files, and that may change while they run.
export { type Followed, follow } from './followed.ts';
export { ROLES, type Role, readToken, readTokens, Tokens } from './tokens.ts';
