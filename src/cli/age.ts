// Spans of time for tables, in kubectl's manner: the largest unit, or two where the larger is small.
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
/** Below this many of a unit the next smaller one is told too. */
const smallCount = 3;

export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 2 * minute) return `${whole}s`;
  if (whole < 2 * hour) return pair(whole, minute, 'm', 1, 's');
  if (whole < 2 * day) return pair(whole, hour, 'h', minute, 'm');
  return pair(whole, day, 'd', hour, 'h');
}

function pair(seconds: number, unit: number, name: string, smaller: number, smallerName: string): string {
  const count = Math.floor(seconds / unit);
  const rest = Math.floor((seconds % unit) / smaller);
  return count >= smallCount || rest === 0 ? `${count}${name}` : `${count}${name}${rest}${smallerName}`;
}
