// The watch for detach keys: what is typed passes, whichever way it is cut into chunks, and the keys do not.
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { DetachFilter } from '../../../../src/cli/stdio/detach-filter.js';

interface Outcome {
  readonly passed: string;
  readonly detached: boolean;
}

async function type(keys: string, chunks: readonly string[]): Promise<Outcome> {
  const filter = new DetachFilter(Buffer.from(keys));
  const passed = text(filter);
  for (const chunk of chunks) filter.write(chunk);
  filter.end();
  return { passed: await passed, detached: filter.detached };
}

/** Every way to cut `typed` into two chunks, and single bytes. */
function cuts(typed: string): string[][] {
  const pairs = Array.from(typed, (_, index) => [typed.slice(0, index), typed.slice(index)]);
  return [[typed], typed.split(''), ...pairs.map((pair) => pair.filter((chunk) => chunk !== ''))];
}

async function typeInAllWays(keys: string, typed: string): Promise<Outcome> {
  const outcomes = await Promise.all(cuts(typed).map((chunks) => type(keys, chunks)));
  const [first = assert.fail('no outcome'), ...others] = outcomes;
  for (const other of others) assert.deepEqual(other, first);
  return first;
}

test('the keys end it; what came before them passes, what comes after them does not', async () => {
  assert.deepEqual(await typeInAllWays('pq', 'abcpqdef'), { passed: 'abc', detached: true });
});

test('a begin of the keys that goes on in another way passes whole', async () => {
  assert.deepEqual(await typeInAllWays('pqr', 'pqx ppq'), { passed: 'pqx ppq', detached: false });
});

test('keys are found where their begin was typed too often', async () => {
  assert.deepEqual(await typeInAllWays('pq', 'pppq'), { passed: 'pp', detached: true });
  assert.deepEqual(await typeInAllWays('ppq', 'pppppq'), { passed: 'ppp', detached: true });
  assert.deepEqual(await typeInAllWays('abab!', 'abababab!'), { passed: 'abab', detached: true });
});

test('a single key detaches at once', async () => {
  assert.deepEqual(await typeInAllWays('q', 'abq'), { passed: 'ab', detached: true });
});

test('without keys everything passes', async () => {
  assert.deepEqual(await typeInAllWays('', 'a\x10\x11b'), { passed: 'a\x10\x11b', detached: false });
});

test('only what may be the begin of the keys is held back', async () => {
  const filter = new DetachFilter(Buffer.from('pq'));
  filter.write('abp');
  assert.equal(String(filter.read()), 'ab');
  filter.write('p');
  assert.equal(String(filter.read()), 'p');
  filter.destroy();
});
