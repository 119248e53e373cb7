// How a program stands with Consul: the ACL token it shows and the authorities it trusts, of its settings or of files.
import { ConfigError } from '../config.ts';
import { readAuthorities } from './certificates.ts';
import { followFile, type SettingOptions } from './setting.ts';
import { readSecret } from './tokens.ts';

export interface ConsulTrust {
  /** Asked for each call; empty for none. */
  readonly token: () => string;
  /** Authorities for https:// URLs, in PEM, asked for each call; undefined: those that Node knows. */
  readonly ca: () => string | undefined;
  stop(): void;
}

interface ConsulSecrets {
  readonly consulToken: string;
  readonly consulTokenFile: string;
  readonly consulCaFile: string;
}

/** Rejects with ConfigError. */
export async function consulTrustOf(
  { consulToken, consulTokenFile, consulCaFile }: ConsulSecrets,
  log: SettingOptions<string>['log'],
): Promise<ConsulTrust> {
  if (consulToken !== '' && consulTokenFile !== '')
    throw new ConfigError(['DLOG_CONSUL_TOKEN and DLOG_CONSUL_TOKEN_FILE are two ways to give one token']);
  const token = await followFile(consulTokenFile, readSecret, {
    variable: 'DLOG_CONSUL_TOKEN_FILE',
    what: 'The Consul token',
    log,
  });
  try {
    const ca = await followFile(consulCaFile, readAuthorities, {
      variable: 'DLOG_CONSUL_CA_FILE',
      what: "Consul's authorities",
      log,
    });
    return {
      token: () => token?.current ?? consulToken,
      ca: () => ca?.current,
      stop() {
        token?.stop();
        ca?.stop();
      },
    };
  } catch (error) {
    token?.stop();
    throw error;
  }
}
