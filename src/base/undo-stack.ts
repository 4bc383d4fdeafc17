// A creation in several steps pushes what undoes each step; only success disarms it.

type Undo = () => void | Promise<void>;

export class UndoStack implements AsyncDisposable {
  #undos: Undo[] = [];

  push(undo: Undo): void {
    this.#undos.push(undo);
  }

  /** The creation succeeded: nothing is undone any more. */
  disarm(): void {
    this.#undos = [];
  }

  /** Runs every undo, last pushed first; one that fails does not keep the others from running. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'undoing a half-made object failed');
  }
}
