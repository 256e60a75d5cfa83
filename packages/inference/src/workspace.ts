import type { Heap } from './heap.ts';

/**
 * Named scratch buffers of one step. Steps that wait for remote experts run beside others, so each takes a workspace
 * of its own from the pool and gives it back.
 */
export class Workspace {
  readonly #heap: Heap;
  readonly #buffers = new Map<string, { pointer: number; elements: number }>();

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** A region of at least `elements` floats; grown by doubling, contents are not kept when it grows. */
  buffer(name: string, elements: number): number {
    const held = this.#buffers.get(name);
    if (held && held.elements >= elements) return held.pointer;
    if (held) {
      this.#heap.free(held.pointer, held.elements);
      // Forgotten before the heap may refuse: it is someone else's from here on.
      this.#buffers.delete(name);
    }
    const size = 2 ** Math.ceil(Math.log2(Math.max(elements, 1024)));
    const pointer = this.#heap.allocate(size);
    // Reused regions hold old numbers: padding columns must be zero.
    this.#heap.f32(pointer, size).fill(0);
    this.#buffers.set(name, { pointer, elements: size });
    return pointer;
  }

  free(): void {
    for (const { pointer, elements } of this.#buffers.values()) this.#heap.free(pointer, elements);
    this.#buffers.clear();
  }
}

export class WorkspacePool {
  readonly #heap: Heap;
  readonly #idle: Workspace[] = [];
  #closed = false;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  async use<T>(work: (workspace: Workspace) => Promise<T>): Promise<T> {
    const workspace = this.#idle.pop() ?? new Workspace(this.#heap);
    try {
      return await work(workspace);
    } finally {
      if (this.#closed) workspace.free();
      else this.#idle.push(workspace);
    }
  }

  /** Gives the memory back, that of a workspace in use when its work ends. */
  close(): void {
    this.#closed = true;
    for (const workspace of this.#idle.splice(0)) workspace.free();
  }
}
