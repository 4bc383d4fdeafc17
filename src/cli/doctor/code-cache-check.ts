// Whether the programs' code caches are of the Node that runs: without them everything works, and starts more slowly.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCodeCache } from '../../base/code-cache.js';
import { type Finding, ok, warn } from './finding.js';

/** `directory` has one for each program. */
export function checkCodeCaches(directory: string): Finding[] {
  const programs = readdirSync(directory).filter((name) => existsSync(join(directory, name, 'program.js')));
  const without = programs.filter((name) => !hasCodeCache(join(directory, name)));
  if (without.length === 0) return [ok('code cache', `of this Node, for ${programs.join(', ')}`)];
  const advice = 'build or install Berth with the Node that runs it: until then these start more slowly';
  return [warn('code cache', `none that Node ${process.version} can use, for ${without.join(', ')}`, advice)];
}

function hasCodeCache(program: string): boolean {
  return readCodeCache(join(program, 'program.cache'), readFileSync(join(program, 'program.js'))) !== undefined;
}
