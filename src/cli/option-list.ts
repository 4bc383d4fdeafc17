// Options that may be given several times, each time with one value.

/** For commander: adds each value to a list. */
export function collect(text: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), text];
}

/** The same, with each value parsed. */
export function collectParsed<T>(parse: (text: string) => T) {
  return (text: string, previous: readonly T[] | undefined): T[] => [...(previous ?? []), parse(text)];
}
