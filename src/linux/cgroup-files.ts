// The forms in which cgroup files hold their figures. What is not there, or is no figure, reads as undefined.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from './libc.js';

/** What `max` stands for, as containerd's messages have it. */
export const noLimit = 2n ** 64n - 1n;

export type Figures = ReadonlyMap<string, bigint>;

/** Undefined without the file, its controller, or its group. */
export function readCgroupText(directory: string, name: string): string | undefined {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch (error) {
    // ENODEV: the group is being removed; EOPNOTSUPP: the kernel was built or started without what the file tells of.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ENODEV', 'EOPNOTSUPP', 'EINVAL')) return undefined;
    throw error;
  }
}

/** A file of one number, or `max`. */
export function readFigure(directory: string, name: string): bigint | undefined {
  const text = readCgroupText(directory, name);
  return text === undefined ? undefined : parseFigure(text.trim());
}

/** A file of one number in each field. */
export function readFigureList(directory: string, name: string): bigint[] {
  const fields = (readCgroupText(directory, name) ?? '').split(/\s+/);
  return fields.flatMap((field) => parseFigure(field) ?? []);
}

/** A file with a line `key number` for each figure. */
export function readFigures(directory: string, name: string): Figures | undefined {
  const text = readCgroupText(directory, name);
  if (text === undefined) return undefined;
  return figuresFrom(text.split('\n').map((line) => line.split(/\s+/)));
}

export interface NestedFigures {
  /** Such as a device's name or number. */
  readonly subject: string;
  readonly figures: Figures;
}

/** A file with a line `subject key=number key=number ...` for each subject. */
export function readNestedFigures(directory: string, name: string): NestedFigures[] | undefined {
  const text = readCgroupText(directory, name);
  if (text === undefined) return undefined;
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  return lines.flatMap(([subject = '', ...pairs]) =>
    subject === '' ? [] : [{ subject, figures: figuresFrom(pairs.map((pair) => pair.split('='))) }],
  );
}

/** Unsigned decimal; a negative figure, which v1 shows for a moment while counters of several processors meet, is 0. */
export function parseFigure(text: string): bigint | undefined {
  if (text === 'max') return noLimit;
  if (/^\d+$/.test(text)) return BigInt(text);
  return /^-\d+$/.test(text) ? 0n : undefined;
}

/** One figure for each field of `names`, 0 where the kernel does not tell it. */
export function pickFigures<Field extends string>(
  names: Readonly<Record<Field, string>>,
  figures: Figures | undefined,
): Record<Field, bigint> {
  const entries = Object.entries<string>(names).map(([field, name]) => [field, figures?.get(name) ?? 0n]);
  return Object.fromEntries(entries) as Record<Field, bigint>;
}

function figuresFrom(pairs: readonly (readonly string[])[]): Figures {
  const figures = new Map<string, bigint>();
  for (const [key = '', value = ''] of pairs) {
    const figure = parseFigure(value);
    if (figure !== undefined) figures.set(key, figure);
  }
  return figures;
}
