// The labels that containerd's clients give to content: what an index or a manifest keeps, and where a blob came from.
import { isIndex, isManifest, mediaTypes } from '../../domain/oci-image.js';
import type { Descriptor } from '../../domain/image-records.js';
import { hostOf, type ImageReference } from '../../domain/image-reference.js';

const reference = 'containerd.io/gc.ref.content.';
const sourceLabel = 'containerd.io/distribution.source.';

/** For the blob that names `children`: garbage collection keeps them with it. */
export function childLabels(children: readonly Descriptor[]): Record<string, string> {
  const labels: Record<string, string> = {};
  const counts = new Map<string, number>();
  for (const { mediaType, digest } of children) {
    const family = familyOf(mediaType);
    if (family === 'config') {
      labels[`${reference}config`] = digest;
      continue;
    }
    const count = counts.get(family) ?? 0;
    counts.set(family, count + 1);
    labels[`${reference}${family}${count}`] = digest;
  }
  return labels;
}

function familyOf(mediaType: string): 'config' | 'm.' | 'l.' | '' {
  if (mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig) return 'config';
  if (isIndex(mediaType) || isManifest(mediaType)) return 'm.';
  return isLayer(mediaType) ? 'l.' : '';
}

export function isLayer(mediaType: string): boolean {
  return /^application\/vnd\.(?:oci\.image\.layer\.|docker\.image\.rootfs\.)/.test(mediaType);
}

/** Where it can be mounted from when it is pushed to the same registry. */
export function sourceLabelFor({ registry, repository }: ImageReference): readonly [key: string, repository: string] {
  return [`${sourceLabel}${hostOf(registry)}`, repository];
}

/** The label's value with one more repository. */
export function withRepository(value: string | undefined, repository: string): string {
  const known = value === undefined || value === '' ? [] : value.split(',');
  return [...new Set([...known, repository])].sort().join(',');
}
