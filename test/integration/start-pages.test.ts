// A shim that waits to be let go has the pages that its start will touch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { touchedPages } from '../../src/linux/touched-pages.js';
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

test('the shim that waits has the pages of a start, and no more than a shim needs', async () => {
  await runToEnd('first');
  const { zygote } = await daemon().call(MaintenanceService.launches, {});
  const waiting = await shimAhead(zygote?.pid ?? assert.fail('no zygote'));
  const written = () => touchedPages(waiting).written.length;
  await poll(() => written() > pagesOfStart || undefined, {
    limitMs,
    intervalMs: 20,
    what: 'a waiting shim with the pages of a start',
  });
  assert.ok(written() < pagesOfShim, `${written()} pages`);
  assert.doesNotMatch(daemon().log, /could not rehearse/);
  await runToEnd('second');
});
