// What came of a fuzz run: how many answers of each status, and everything that nobody foresaw, with the input that
// brought it about.
export interface Fault {
  readonly call: string;
  readonly details: string;
  /** Hexadecimal. */
  readonly input: string;
}

/** Of each call and message one is kept. */
const maxFaults = 50;
const maxInputChars = 2000;

export class Tally {
  readonly statuses: Record<string, number> = {};
  readonly faults: Fault[] = [];
  readonly #known = new Set<string>();
  inputs = 0;

  result() {
    const { inputs, statuses, faults } = this;
    return { inputs, statuses, faults };
  }

  count(status: number | string): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
  }

  fault(call: string, details: string, input: Buffer): void {
    const kind = `${call} ${details.replaceAll(/[0-9a-f]{4,}|\d+/g, '#')}`;
    if (this.#known.has(kind) || this.faults.length >= maxFaults) return;
    this.#known.add(kind);
    this.faults.push({ call, details, input: input.toString('hex').slice(0, maxInputChars) });
  }
}
