// containerd.services.diff.v1: layers into snapshots, and out of them.
import { BerthError } from '../domain/errors.js';
import type { Descriptor } from '../domain/image-records.js';
import { DiffService } from '../generated/containerd/services/diff/v1/diff.js';
import type { Descriptor as WireDescriptor } from '../generated/containerd/types/descriptor.js';
import { applyLayer } from '../images/diff/apply-layer.js';
import type { LayerWork } from '../images/diff/layer-work.js';
import { makeLayer } from '../images/diff/make-layer.js';
import type { Handlers } from './service.js';
import { timeFromWire } from './wire-numbers.js';

export function diffHandlers(work: LayerWork): Handlers<typeof DiffService> {
  return {
    apply: async ({ diff, mounts, syncFs }, call) => {
      if (diff === undefined) throw new BerthError('invalid-argument', 'the request names no layer');
      const layer = { ...diff, size: Number(diff.size) };
      const request = { namespace: call.namespace(), layer, mounts, sync: syncFs };
      return { applied: toWire(await applyLayer(work, request, call.signal)) };
    },
    diff: async ({ left, right, mediaType, ref, labels, sourceDateEpoch }, call) => {
      const latestNanos =
        sourceDateEpoch === undefined ? undefined : timeFromWire('source_date_epoch', sourceDateEpoch);
      const request = { left, right, mediaType, ref, labels, latestNanos };
      return { diff: toWire(await makeLayer(work, call.scope(), request, call.signal)) };
    },
  };
}

function toWire({ mediaType, digest, size, annotations }: Descriptor): WireDescriptor {
  return { mediaType, digest, size: BigInt(size), annotations: { ...annotations } };
}
