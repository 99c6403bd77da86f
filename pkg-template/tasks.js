// Tool calls that became tasks, as they are handed over from one session or page life to the next. Servers count their
// ids anew after a restart: what tells a task from the next of that id is its `createdAt`.

/** For so many ids, the latest, it is known when their tasks were created, though nobody waits for them. */
const MAX_TOLD = 1_000;

export class Tasks {
  /** Those that calls wait for. */
  #running = new Set();
  /** Those of an earlier page life, that nobody waits for yet. */
  #left = [];
  /** The same, as they came from the store: theirs is who is signed in, as far as is known yet. */
  #found = [];
  /** By id: when the latest task of it was created. */
  #told = new Map();

  /** A call became the task that the server tells of. */
  tell(told, name) {
    return this.run(entry(told, name));
  }

  /** What is known of the task that a host names, by its id alone or with its `createdAt`. */
  find({ taskId, createdAt }) {
    const held = [...this.#left, ...this.running].filter((task) => task.taskId === taskId);
    const known = createdAt === undefined ? held[0] : held.find((task) => task.createdAt === createdAt);
    return entry({ taskId, createdAt: createdAt ?? known?.createdAt ?? this.#told.get(taskId) }, known?.name);
  }

  /** Somebody waits for it from now on, until `end`. */
  run(task) {
    this.#left = this.#left.filter((left) => !isSame(left, task));
    this.#running.add(task);
    this.#told.delete(task.taskId);
    if (task.createdAt !== undefined) this.#told.set(task.taskId, task.createdAt);
    if (this.#told.size > MAX_TOLD) this.#told.delete(this.#told.keys().next().value);
    return task;
  }

  end(task) {
    this.#running.delete(task);
  }

  /** The latest first, as everywhere here. */
  get running() {
    return [...this.#running].reverse();
  }

  get left() {
    return [...this.#left];
  }

  /** Nobody waits for these any more, but somebody may again. */
  leave(tasks) {
    this.#left = distinct([...tasks, ...this.#left]);
  }

  keepFound(tasks) {
    this.#found = tasks.map((task) => entry(task, task.name));
  }

  /** They are of whoever is signed in. */
  takeFound() {
    this.leave(this.#found);
    this.#found = [];
  }

  /** All that the next page life may ask for. */
  get kept() {
    return distinct([...this.running, ...this.#left, ...this.#found]);
  }
}

/** As the host gets it and the store keeps it. A time that is no text is none that could be compared later. */
function entry({ taskId, createdAt }, name) {
  const isTold = typeof createdAt === "string" && createdAt !== "";
  return Object.freeze(isTold ? { taskId, name, createdAt } : { taskId, name });
}

const isSame = (a, b) => a.taskId === b.taskId && a.createdAt === b.createdAt;

const distinct = (tasks) => tasks.filter((task, at) => tasks.findIndex((other) => isSame(other, task)) === at);
