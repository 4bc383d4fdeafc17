// Builds the command line: every command is a stub with a name and a summary, until it is called and its module loaded.
import { Command, type CommanderError } from 'commander';
import { commands, groups } from './command-table.js';
import { UsageError } from './cli-error.js';
import { addGlobalOptions, type GivenOptions } from './global-options.js';
import { readPackageVersion } from './package-files.js';
import type { Session } from './session.js';

const examples = `
Examples:
  berth run --rm --rootfs /srv/busybox hello echo hi
  berth ps -a
  berth exec -it web sh
  berth doctor

'berth help COMMAND' tells what a command does, its options and its exit codes. BERTH_DEBUG=1 in the environment adds a
stack to the message of a failure.`;

export function buildProgram(session: Session): Command {
  const program: Command = configure(new Command('berth'))
    .usage('[options] COMMAND')
    .description('Runs and inspects containers of berthd.')
    .version(readPackageVersion(), '--version', "show this program's version")
    .enablePositionalOptions()
    .hook('preSubcommand', () => session.addGiven(givenOf(program)))
    .addHelpText('after', examples);
  addGlobalOptions(program);
  const groupCommands = new Map<string, Command>();
  for (const name of Object.keys(commands)) {
    const [group, verb] = name.split(' ');
    if (group === undefined) continue;
    const parent = verb === undefined ? program : groupCommand(program, groupCommands, group, session);
    parent.addCommand(stub(name, session));
  }
  return program.addCommand(helpCommand(session)).helpCommand(false);
}

/** Loads the command `name` and runs it with the arguments that followed its name. */
async function runCommand(name: string, args: readonly string[], session: Session): Promise<void> {
  const entry = commands[name];
  if (entry === undefined) throw new UsageError(`unknown command '${name}'`);
  const command = configure(new Command(`berth ${name}`)).description(`${entry.summary}.`);
  const define = await entry.load();
  define(command, session);
  addGlobalOptions(command);
  command.hook('preAction', () => session.addGiven(givenOf(command)));
  await withCommandName(`berth ${name}`, () => command.parseAsync(args, { from: 'user' }));
}

function stub(name: string, session: Session): Command {
  return new Command(name.split(' ').at(-1))
    .description(commands[name]?.summary ?? '')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[args...]')
    .action(async (args: string[]) => await runCommand(name, args, session));
}

function groupCommand(program: Command, known: Map<string, Command>, name: string, session: Session): Command {
  const existing = known.get(name);
  if (existing !== undefined) return existing;
  const { summary = '', aliases = [] } = groups[name] ?? {};
  const group: Command = configure(new Command(name))
    .usage('[options] COMMAND')
    .description(summary)
    .aliases(aliases)
    .enablePositionalOptions()
    .helpCommand(false)
    .hook('preSubcommand', () => session.addGiven(givenOf(group)));
  program.addCommand(addGlobalOptions(group));
  known.set(name, group);
  return group;
}

/** `berth help containers ls` is `berth containers ls --help`. */
function helpCommand(session: Session): Command {
  return new Command('help')
    .description('Show the help of a command')
    .argument('[command...]')
    .helpOption(false)
    .action(async (words: string[], _options, self: Command) => {
      const name = words.join(' ');
      if (commands[name] !== undefined) return await runCommand(name, ['--help'], session);
      const parent = self.parent ?? self;
      const group = parent.commands.find((candidate) => words.length === 1 && isNamed(candidate, name));
      if (words.length > 0 && group === undefined)
        throw new UsageError(`unknown command '${name}' (see 'berth --help')`);
      return (group ?? parent).help();
    });
}

function configure(command: Command): Command {
  command
    .exitOverride()
    .configureHelp({
      commandUsage: (self) => `${fullName(self)} ${self.usage()}`,
      subcommandTerm: (sub) => [sub.name(), ...sub.aliases()].join(', '),
    })
    // Whoever catches the error prints it, on one line.
    .configureOutput({ outputError: () => undefined });
  return command;
}

async function withCommandName(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isCommanderError(error) && error.exitCode !== 0) throw new UsageError(usageMessage(error, name));
    throw error;
  }
}

/** Commander's message without its prefix and line feeds, and where to read more. */
export function usageMessage(error: CommanderError, command: string): string {
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${text} (see '${command} --help')`;
}

export function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function isNamed(command: Command, name: string): boolean {
  return command.name() === name || command.aliases().includes(name);
}

function givenOf(command: Command): GivenOptions {
  const { address, tlsDir, namespace, output } = command.opts<GivenOptions>();
  return {
    ...(address === undefined ? {} : { address }),
    ...(tlsDir === undefined ? {} : { tlsDir }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(output === undefined ? {} : { output }),
  };
}
