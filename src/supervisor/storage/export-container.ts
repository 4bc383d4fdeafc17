// A container's root file system as a tar, read on a thread of its own by a walk that no symbolic link turns aside.
import { handedOver } from '../../base/handed-over.js';
import type { ContainerKey } from '../../domain/ids.js';
import { getContainer } from '../get-container.js';
import type { Supervisor } from '../supervisor.js';
import { withRootView } from './root-view.js';

/** The pieces; all of them have come when this ends without a failure. A running container is read as it is at the time. */
export async function* exportContainer(
  supervisor: Supervisor,
  key: ContainerKey,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const container = await getContainer(supervisor, key);
  const { pool, mounts } = supervisor.layers.work;
  yield* handedOver<Uint8Array>(
    (put, inner) =>
      withRootView(supervisor, container, (upper) =>
        // All of it differs from an empty directory.
        mounts.useDirectory(async (lower) => {
          const source = { type: 'trees', trees: { lower, upper } } as const;
          await pool.run(
            'pack',
            { source, compression: 'none', latestNanos: undefined },
            { signal: inner, onPiece: put },
          );
        }),
      ),
    signal,
  );
}
