let tasks = [];

/** Runs a function when the call at hand returns, before its caller has the answer. */
export function queueMicrotask(task) {
  if (typeof task !== 'function') throw new TypeError('queueMicrotask takes a function');
  tasks.push(task);
}

/** Runs what is queued, and what that queues. */
export function runTasks() {
  while (tasks.length > 0) {
    const now = tasks;
    tasks = [];
    for (const task of now) task();
  }
}
