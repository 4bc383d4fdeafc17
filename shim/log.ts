// The shim's log: a JSON line per entry on stderr, which berthd points at BUNDLE/log. Written synchronously, so that
// the last words before an end are there, and never in the way: a log that cannot be written is no reason to fail.
import { writeSync } from 'node:fs';
import { formatNanos, nowNanos } from '../src/domain/time.js';
import type { Log, LogFields } from '../src/base/log.js';

type Level = 'debug' | 'info' | 'warn' | 'error';

const stderrFd = 2;

export class ShimLog implements Log {
  readonly #fields: LogFields;
  readonly #verbose: boolean;
  readonly #fd: number;

  constructor(options: { readonly verbose: boolean; readonly fields: LogFields; readonly fd?: number }) {
    this.#verbose = options.verbose;
    this.#fields = options.fields;
    this.#fd = options.fd ?? stderrFd;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#verbose) this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(fields: LogFields): Log {
    return new ShimLog({ verbose: this.#verbose, fields: { ...this.#fields, ...fields }, fd: this.#fd });
  }

  #write(level: Level, message: string, fields: LogFields = {}): void {
    const entry = { time: formatNanos(nowNanos()), level, message, ...this.#fields, ...fields };
    try {
      writeSync(this.#fd, `${JSON.stringify(entry, bigintAsText)}\n`);
    } catch {
      // Nowhere left to say so.
    }
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
