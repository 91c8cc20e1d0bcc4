// @ts-check
/**
 * Takes a `text/event-stream` apart, as its bytes come. Pure.
 *
 * @module
 */

/**
 * @typedef {object} StreamEvent
 * @property {string} name `message` where the stream gives none.
 * @property {string} data
 */

/** Reads one stream from its beginning. */
export class EventStreamReader {
  #rest = "";
  #name = "";
  /** @type {string[]} */
  #data = [];

  /**
   * The events that a piece of the stream completes. Comments and unknown fields come to nothing.
   *
   * @param {string} text
   * @returns {StreamEvent[]}
   */
  push(text) {
    /** @type {StreamEvent[]} */
    const events = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  /**
   * @param {string} line
   * @returns {StreamEvent | null}
   */
  #take(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    return null;
  }

  /** @returns {StreamEvent | null} */
  #dispatch() {
    const event = this.#data.length === 0
      ? null
      : { name: this.#name === "" ? "message" : this.#name, data: this.#data.join("\n") };
    this.#name = "";
    this.#data = [];
    return event;
  }
}
