// The daemon's log: one line an event on standard error, for people or as JSON for collectors.
import { inspect } from 'node:util';
import { createLogger, format, type Logger, transports } from 'winston';
import type { Log, LogFields } from '../base/log.js';
import { BerthError } from '../domain/errors.js';
import type { Configuration } from './configuration.js';

export function createLog({ logLevel, logFormat }: Pick<Configuration, 'logLevel' | 'logFormat'>): Log {
  const stream = new transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] });
  const line = logFormat === 'json' ? format.json() : format.printf(textLine);
  const logger = createLogger({
    level: logLevel,
    format: format.combine(format.timestamp(), line),
    transports: [stream],
  });
  return logOf(logger);
}

function logOf(logger: Logger): Log {
  const write = (level: string) => (message: string, fields?: LogFields) => {
    logger.log(level, message, fields === undefined ? {} : plainFields(fields));
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => logOf(logger.child(plainFields(fields))),
  };
}

/** An error becomes its message where it was foreseen, and its stack where it was not. */
function plainFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (value instanceof BerthError) return [name, value.message];
      if (value instanceof Error) return [name, value.stack ?? value.message];
      return [name, typeof value === 'bigint' ? value.toString() : value];
    }),
  );
}

function textLine({ timestamp, level, message, ...fields }: { level: string; message: unknown; timestamp?: unknown }) {
  const words = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  return [String(timestamp), level.toUpperCase().padEnd(5), String(message), ...words].join(' ');
}

function fieldText(value: unknown): string {
  if (typeof value !== 'string') return inspect(value, { breakLength: Infinity, depth: 3 });
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
