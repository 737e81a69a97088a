/** Runs a task again and again while the tab is seen and nobody has paused it. */
export class Poller {
  #timer = 0;
  #due = 0;
  #running = false;
  #again = false;
  #started = false;
  paused = false;

  /**
   * @param {() => Promise<number | void>} task may answer with the seconds to wait until its next run
   * @param {number} seconds between the end of one run and the next
   */
  constructor(task, seconds) {
    this.task = task;
    this.seconds = seconds;
    document.addEventListener("visibilitychange", () => this.#plan());
  }

  /** Run now, and go on from there. */
  start() {
    this.#started = true;
    void this.now();
  }

  /** Run no more until the next start. */
  stop() {
    this.#started = false;
    this.#plan();
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.paused = paused;
    this.#plan();
  }

  /** Run once now; if a run is under way, once more after it. */
  async now() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    let wait;
    try {
      do {
        this.#again = false;
        wait = await this.task();
      } while (this.#again);
    } finally {
      this.#running = false;
      this.#due = Date.now() + 1000 * (wait ?? this.seconds);
      this.#plan();
    }
  }

  #plan() {
    clearTimeout(this.#timer);
    if (!this.#started || this.paused || document.hidden || this.#running) return;
    this.#timer = setTimeout(() => void this.now(), Math.max(0, this.#due - Date.now()));
  }
}
