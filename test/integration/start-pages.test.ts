// A shim that waits to be let go has the pages that its start will touch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { isSystemError } from '../../src/linux/libc.js';
import { canGivePages, touchedPages } from '../../src/linux/touched-pages.js';
import { removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { shimAhead } from '../helpers/shim-ahead.js';
import { useBerthd } from '../helpers/use-berthd.js';

const limitMs = 20_000;
/** A fork that only waits has written to some hundred pages; a start writes to four hundred. */
const pagesOfStart = 350;
/** What an idle shim has in all. */
const pagesOfShim = 650;

const daemon = useBerthd();

async function runToEnd(id: string): Promise<void> {
  await runContainer(daemon(), id, ['/bin/sh', '-c', 'exit 3']);
  assert.equal(await waitForExit(daemon(), id), 3);
  await removeContainer(daemon(), id);
}

/** Of a shim that waits; settled when it has taken all. */
async function pagesOfWaiting(zygote: number): Promise<number> {
  let last = 0;
  const settled = async () => {
    const before = last;
    last = writtenBy(await shimAhead(zygote));
    return last > pagesOfStart && last === before ? last : undefined;
  };
  return await poll(settled, { limitMs, intervalMs: 50, what: 'a waiting shim with the pages of a start' });
}

/** None where it has just ended: a fork that lacks something is forked again. */
function writtenBy(pid: number): number {
  try {
    return touchedPages(pid).written.length;
  } catch (error) {
    if (!isSystemError(error, 'ESRCH', 'ENOENT')) throw error;
    return 0;
  }
}

const skip = canGivePages() ? false : 'this kernel cannot give a process pages (Linux 5.14 can)';
test('the shim that waits has the pages of a start, and no more than a shim needs', { skip }, async () => {
  await runToEnd('first');
  const { zygote } = await daemon().call(MaintenanceService.launches, {});
  const written = await pagesOfWaiting(zygote?.pid ?? assert.fail('no zygote'));
  assert.ok(written < pagesOfShim, `${written} pages`);
  assert.doesNotMatch(daemon().log, /is not prepared in full/);
  await runToEnd('second');
});
