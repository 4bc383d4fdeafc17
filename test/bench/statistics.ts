// What a benchmark says of its samples, all in milliseconds.

export interface Summary {
  readonly samples: number;
  readonly minimumMs: number;
  readonly medianMs: number;
  readonly p90Ms: number;
}

export function summarize(samplesMs: readonly number[]): Summary {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return {
    samples: sorted.length,
    minimumMs: sorted[0] ?? Number.NaN,
    medianMs: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
  };
}

/** Of samples in ascending order, interpolated between the two nearest. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
