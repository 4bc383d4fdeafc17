// Which manifests of an index are wanted: for each platform the best, or all.
import type { PlatformDescriptor } from '../../domain/oci-image.js';
import { type Platform, preferredFor } from '../../domain/platform.js';

/** `all` for whatever the index has. */
export type WantedPlatforms = readonly Platform[] | 'all';

export function chooseManifests(
  manifests: readonly PlatformDescriptor[],
  wanted: WantedPlatforms,
): readonly PlatformDescriptor[] {
  if (wanted === 'all') return manifests;
  const chosen = wanted.flatMap((platform) => {
    const [best, ...others] = preferredFor(manifests, platform);
    if (best === undefined) return [];
    // What says nothing of its platform may be for this one: only the configuration tells.
    return best.platform === undefined ? [best, ...others] : [best];
  });
  return [...new Set(chosen)];
}
