// Time as the records keep it: nanoseconds since the Unix epoch, since a JavaScript Date would drop what clients compare.

/** Nanoseconds since 1970-01-01T00:00:00Z. */
export type UnixNanos = bigint;

const nanosPerMilli = 1_000_000n;
const startWall = BigInt(Date.now()) * nanosPerMilli;
const startMonotonic = process.hrtime.bigint();
/** Above this the wall clock was set while we ran, and the monotonic offset is no longer trusted. */
const maxDriftNanos = 50n * nanosPerMilli;

/** Now, with the monotonic clock's resolution below the millisecond. */
export function nowNanos(): UnixNanos {
  const wall = BigInt(Date.now()) * nanosPerMilli;
  const precise = startWall + (process.hrtime.bigint() - startMonotonic);
  const drift = precise > wall ? precise - wall : wall - precise;
  return drift < maxDriftNanos ? precise : wall;
}

/** RFC 3339 with nanoseconds, in UTC. */
export function formatNanos(time: UnixNanos): string {
  const millis = Number(time / nanosPerMilli);
  const rest = (time % 1_000_000_000n).toString().padStart(9, '0');
  return `${new Date(millis).toISOString().slice(0, 19)}.${rest}Z`;
}
