// The options that every command takes, before or after its name, and where their values come from.
import { type Command, Option } from 'commander';

export type OutputFormat = 'table' | 'json';

export interface GlobalOptions {
  readonly address: string;
  /** The directory of the certificate to show to a daemon on TCP; empty: none. */
  readonly tlsDir: string;
  readonly namespace: string;
  /** Whether the namespace was named, on the command line or in the environment. */
  readonly namespaceGiven: boolean;
  readonly output: OutputFormat;
}

/** As the command line has them: nothing where nothing was said. */
export interface GivenOptions {
  readonly address?: string;
  readonly tlsDir?: string;
  readonly namespace?: string;
  readonly output?: OutputFormat;
}

export const defaultAddress = '/run/berth/berth.sock';
const defaultNamespace = 'default';

export function addGlobalOptions(command: Command): Command {
  const group = 'Global options:';
  const add = (flags: string, text: string) => new Option(flags, text).helpGroup(group);
  return command
    .addOption(
      add(
        '--address <socket>',
        `berthd's socket, or tcp://HOST:PORT (environment BERTH_ADDRESS, else ${defaultAddress})`,
      ),
    )
    .addOption(add('--tls-dir <dir>', 'for TCP: ca.pem, cert.pem and key.pem are there (environment BERTH_TLS_DIR)'))
    .addOption(add('-n, --namespace <name>', `namespace (environment BERTH_NAMESPACE, else ${defaultNamespace})`))
    .addOption(add('-o, --output <format>', 'how results are printed (default: table)').choices(['table', 'json']))
    .addHelpOption(add('-h, --help', 'show this help'));
}

/** The command line counts before the environment, and that before the defaults; an empty variable is none. */
export function resolveGlobalOptions(given: GivenOptions, environment: NodeJS.ProcessEnv): GlobalOptions {
  const namespace = given.namespace ?? nonEmpty(environment['BERTH_NAMESPACE']);
  return {
    address: given.address ?? nonEmpty(environment['BERTH_ADDRESS']) ?? defaultAddress,
    tlsDir: given.tlsDir ?? environment['BERTH_TLS_DIR'] ?? '',
    namespace: namespace ?? defaultNamespace,
    namespaceGiven: namespace !== undefined,
    output: given.output ?? 'table',
  };
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
