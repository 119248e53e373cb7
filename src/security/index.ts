// Secrets and certificates that programs are given as files, and that may change while they run.
export { type Certificate, readAuthorities, readCertificate } from './certificates.ts';
export { type ConsulTrust, consulTrustOf } from './consul-trust.ts';
export type { Followed } from './followed.ts';
export { followFile, followSetting } from './setting.ts';
export { ROLES, type Role, readToken, readTokens, Tokens } from './tokens.ts';
