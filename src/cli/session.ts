// One run of `berth`: its global options, its connection, where it prints, and the code it ends with.
import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import type { Connection } from './connection.js';
import { type GivenOptions, type GlobalOptions, resolveGlobalOptions } from './global-options.js';
import type { Json } from './json-value.js';

/** Adds a command's options, help and action to `command`; every file of src/cli/commands exports one. */
export type CommandDefinition = (command: Command, session: Session) => void;

export class Session {
  exitCode = 0;
  readonly #stdout: Writable;
  readonly #environment: NodeJS.ProcessEnv;
  #given: GivenOptions = {};
  #connection: Connection | undefined;

  constructor(stdout: Writable, environment: NodeJS.ProcessEnv) {
    this.#stdout = stdout;
    this.#environment = environment;
  }

  /** What was given later, nearer to the command, counts. */
  addGiven(given: GivenOptions): void {
    this.#given = { ...this.#given, ...given };
  }

  get globals(): GlobalOptions {
    return resolveGlobalOptions(this.#given, this.#environment);
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#environment;
  }

  /** gRPC is loaded only by commands that call the daemon. */
  async connect(): Promise<Connection> {
    const { Connection } = await import('./connection.js');
    const { address, namespace, tlsDir } = this.globals;
    this.#connection ??= new Connection(address, namespace, tlsDir);
    return this.#connection;
  }

  close(): void {
    this.#connection?.close();
  }

  get wantsJson(): boolean {
    return this.globals.output === 'json';
  }

  printLine(line: string): void {
    this.#stdout.write(`${line}\n`);
  }

  /** Indented, for a single result. */
  printJson(value: Json): void {
    this.printLine(JSON.stringify(value, undefined, 2));
  }

  /** On one line, for results that come one after the other. */
  printJsonLine(value: Json): void {
    this.printLine(JSON.stringify(value));
  }

  async printTable(headers: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
    const { formatTable } = await import('./table.js');
    this.#stdout.write(formatTable(headers, rows));
  }

  /** The id of what a command has done its work on. */
  printId(id: string): void {
    if (this.wantsJson) this.printJsonLine({ id });
    else this.printLine(id);
  }
}
