// GNU tar's sparse files as PAX headers tell of them: which stretches of a file the archive has; the rest are holes. By the
// rules of Go's reader, and so containerd's. Old GNU entries (type S) it does not unpack, and neither do we.
import type { PaxRecords } from './pax-records.js';

export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

export interface SparseFile {
  /** As the file is to be called, where the headers say. */
  readonly name: string | undefined;
  /** Bytes of the file, holes included, where the headers say. */
  readonly size: number | undefined;
  /** In order; undefined where they stand before the content (version 1.0). */
  readonly stretches: readonly Stretch[] | undefined;
}

const prefix = 'GNU.sparse.';

/** Undefined for a file that is not sparse; throws a SparseFault for headers that make no sense. */
export function sparseFileFrom(pax: PaxRecords): SparseFile | undefined {
  const record = (key: string): string => pax[`${prefix}${key}`] ?? '';
  const version = `${record('major')}.${record('minor')}`;
  const isUnversioned = version === '.';
  if (!['.', '0.0', '0.1', '1.0'].includes(version)) throw new SparseFault(`version ${version} is not known`);
  if (isUnversioned && record('map') === '') return undefined;
  const size = record('size') || record('realsize');
  const name = record('name');
  return {
    name: name === '' ? undefined : name,
    size: size === '' ? undefined : numberFrom(size),
    stretches: version === '1.0' ? undefined : stretchesFrom(record('numblocks'), record('map')),
  };
}

/** Stretches in order that do not overlap, and end with the file; else a SparseFault. */
export function checkStretches(stretches: readonly Stretch[], size: number): void {
  let end = 0;
  for (const { offset, length } of stretches) {
    if (offset < end || offset + length > size)
      throw new SparseFault('its parts are not in order, or lie outside of it');
    end = offset + length;
  }
}

/** `OFFSET,LENGTH,...` */
function stretchesFrom(count: string, map: string): Stretch[] {
  const numbers = map === '' ? [] : map.split(',');
  if (numbers.length !== 2 * numberFrom(count))
    throw new SparseFault('the list of its parts is not as long as it says');
  return pairsFrom(numbers);
}

export function pairsFrom(numbers: readonly string[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    stretches.push({ offset: numberFrom(numbers[at]), length: numberFrom(numbers[at + 1]) });
  }
  return stretches;
}

export function numberFrom(text = ''): number {
  const number = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new SparseFault('a number in its headers is none');
  return number;
}

/** What is wrong with a sparse file, to be told with its name. */
export class SparseFault extends Error {}
