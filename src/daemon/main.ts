// berthd: the command line, and nothing else.
import { Command, Option } from 'commander';
import { messageOf } from '../domain/errors.js';
import { readBuildInfo } from './build.js';
import {
  type CommandLine,
  defaultConfigurationFile,
  loadConfiguration,
  logFormats,
  logLevels,
  shimLaunches,
} from './configuration.js';
import { type Publication, publish } from './publish.js';
import { repairRecords, restoreRecords } from './records-commands.js';
import { runDaemon } from './run-daemon.js';

interface StorageCommands {
  readonly repairDb?: boolean;
  readonly restoreDb?: string;
}

const runtimesHelp = `
Shims: io.containerd.runc.v2, io.containerd.berth.v2 and no name at all mean Berth's own. An absolute path means the shim
there, any other name like io.containerd.NAME.vN the program containerd-shim-NAME-vN on PATH. The configuration file can
give names another meaning:
  [runtimes]
  "io.containerd.runc.v2" = "/usr/bin/containerd-shim-runc-v2"
  "io.containerd.kata.v2" = "berth"`;

const program = new Command('berthd')
  .description("The Berth daemon: runs containers for clients of containerd's API.")
  .version(readBuildInfo().version)
  .option('--config <file>', `configuration file (default: ${defaultConfigurationFile} when it is there)`)
  .option('--root <dir>', 'directory for what is kept over reboots (default: /var/lib/berth)')
  .option('--state <dir>', 'directory for what belongs to this boot (default: /run/berth)')
  .option('--address <socket>', 'unix socket to serve on (default: STATE/berth.sock)')
  .option('--tcp-address <host:port>', 'serve on TCP as well, to clients with a certificate; needs the three TLS files')
  .option('--tls-cert <file>', "the daemon's certificate, with its chain (PEM)")
  .option('--tls-key <file>', 'the key of that certificate (PEM)')
  .option('--tls-client-ca <file>', 'the authority that signs the certificates of clients (PEM)')
  .option('--runtime <binary>', 'OCI runtime: a name on PATH or a path (default: runc)')
  .addOption(new Option('--shim-launch <how>', 'how shims are started (default: auto)').choices(shimLaunches))
  .addOption(new Option('--log-level <level>', 'least level that is logged (default: info)').choices(logLevels))
  .addOption(new Option('--log-format <format>', 'how lines are written (default: text)').choices(logFormats))
  .option('--repair-db', 'save what can be read of the records, accept the loss of the rest, and end')
  .option('--restore-db <backup>', 'put a backup (ROOT/backups/...) in the place of the records, and end')
  .addHelpText('after', runtimesHelp)
  .action(async ({ repairDb, restoreDb, ...flags }: CommandLine & StorageCommands) => {
    const configuration = loadConfiguration(flags);
    if (repairDb === true) await repairRecords(configuration);
    else if (restoreDb !== undefined) await restoreRecords(configuration, restoreDb);
    else await runDaemon(configuration);
  });

program
  .command('publish')
  .description('tell the daemon at --address an event, as shims do: a google.protobuf.Any on standard input')
  .requiredOption('--topic <topic>', 'of the event, such as /tasks/exit')
  .requiredOption('--namespace <namespace>', 'of the event')
  .action(async (event: Pick<Publication, 'topic' | 'namespace'>) => {
    const { address } = loadConfiguration(program.opts<CommandLine>());
    await publish({ ...event, address }, process.stdin);
  });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`berthd: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
