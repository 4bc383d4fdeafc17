// Berth's own shims: launched by the ladder, found in their bundles, and replaced when they die.
import { failpoint } from '../base/failpoint.js';
import { bundleShimPid } from '../shims/bundle.js';
import { killShimRemains } from '../shims/shim-remains.js';
import { Shim } from '../shims/shim.js';
import { replaceShim } from './replace-shim.js';
import { deleteIfMade, deleteRuntimeState } from './runtime-state.js';
import { endShim, killShim } from './shim-calls.js';
import type { ShimKind } from './shim-kind.js';

export const ownShims: ShimKind = {
  async launch({ launcher }, { namespace, id, bundle }) {
    const identity = await launcher.launch({ namespace, id, bundle, debug: false });
    failpoint('create.shim-launched');
    return Shim.connectTo(bundle, identity);
  },
  connect: (_supervisor, { bundle }) => Shim.connect(bundle),
  replace: replaceShim,
  kill: ({ pid }, bundle) => killShim(pid, bundle),
  endsAtOnce: true,
  shutdown: (supervisor, shim, place) => endShim(supervisor, shim, place, place.bundle),
  async dismiss(supervisor, remains) {
    const shim = await Shim.connect(remains.bundle).catch(() => undefined);
    if (shim !== undefined) await endShim(supervisor, shim, remains, remains.bundle);
  },
  async clear(supervisor, remains) {
    const shimPid = await bundleShimPid(remains.bundle);
    await killShimRemains(remains.bundle, shimPid);
    // Without a shim that served nobody can have asked the runtime for anything.
    if (shimPid !== undefined) await deleteIfMade(supervisor, remains, () => deleteRuntimeState(supervisor, remains));
  },
  async deleteContainer(supervisor, container) {
    // Of the dead shim a deletion, or the start of an exec, may still be under way in the runtime.
    await killShimRemains(container.bundle, await bundleShimPid(container.bundle));
    await deleteRuntimeState(supervisor, container);
  },
};
