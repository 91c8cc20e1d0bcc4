// @ts-check
/// <reference lib="dom" />
/**
 * The form that starts, changes and stops a run.
 *
 * @module
 */

import { setAttribute, setText } from "./dom.js";
import { byId } from "./page_parts.js";
import { readTarget, targetFields } from "./target_fields.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("./target_fields.js").ControlTarget} ControlTarget */
/** @typedef {(command: "start" | "stop" | "target", body?: ControlTarget) => Promise<void>} SendCommand */

/** Shows what may be done with a run, and does it. */
export class ControlView {
  #send;
  /** @type {LiveView["live"] | null} */
  #live = null;
  #connected = false;
  /** Whether somebody has written into the fields since they were last sent. */
  #touched = false;
  #busy = false;
  #amount = byId("amount", HTMLInputElement);
  #pace = byId("pace", HTMLInputElement);
  #start = byId("start", HTMLButtonElement);
  #apply = byId("apply", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);

  /** @param {SendCommand} send */
  constructor(send) {
    this.#send = send;
    for (const field of [this.#amount, this.#pace]) {
      field.addEventListener("input", () => {
        this.#touched = true;
        this.#say("", false);
      });
    }
    this.#start.addEventListener("click", () => this.#begin());
    this.#stop.addEventListener("click", () => this.#run("stop", undefined, "Stopping."));
    byId("control-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#change();
    });
  }

  /**
   * @param {LiveView} view
   * @returns {void}
   */
  update({ live }) {
    this.#live = live;
    const fields = targetFields(live);
    setText(byId("amount-label"), fields.amountLabel);
    setText(byId("pace-label"), fields.paceLabel);
    setAttribute(this.#amount, "step", fields.amountStep);
    setAttribute(this.#pace, "step", fields.paceStep);
    const placeholder = live.state === "ready" ? "as planned" : null;
    setAttribute(this.#amount, "placeholder", placeholder);
    setAttribute(this.#pace, "placeholder", placeholder);
    if (!this.#touched) {
      if (this.#amount.value !== fields.amount) this.#amount.value = fields.amount;
      if (this.#pace.value === "" || live.model === "open") this.#pace.value = fields.pace;
    }
    this.#draw();
  }

  /**
   * Whether the server is there to be told anything.
   *
   * @param {boolean} connected
   * @returns {void}
   */
  connected(connected) {
    this.#connected = connected;
    this.#draw();
  }

  #draw() {
    const control = this.#live?.control;
    const usable = this.#connected && !this.#busy && control?.allowed === true;
    const begins = this.#live?.state === "ready" || control?.canStart === true;
    this.#start.disabled = !usable || !control.canStart;
    this.#apply.disabled = !usable || !control.canChange;
    this.#stop.disabled = !usable || !control.canStop;
    this.#start.hidden = !begins;
    this.#apply.hidden = begins;
    const fixed = !usable || !(control.canChange || control.canStart);
    this.#amount.disabled = fixed;
    this.#pace.disabled = fixed;
    setText(byId("control-reason"), control?.reason ?? "");
    byId("control-reason").hidden = (control?.reason ?? "") === "";
  }

  #begin() {
    const asPlanned = !this.#touched || (this.#amount.value === "" && this.#pace.value === "");
    this.#run("start", asPlanned ? undefined : this.#written(), "Started.");
  }

  #change() {
    if (this.#apply.hidden) return this.#begin();
    this.#run("target", this.#written(), "Changed.");
  }

  #written() {
    return readTarget(this.#live?.model ?? "closed", this.#amount.value, this.#pace.value);
  }

  /**
   * @param {"start" | "stop" | "target"} command
   * @param {ControlTarget | string | undefined} body A string says why there is none.
   * @param {string} done
   */
  async #run(command, body, done) {
    if (typeof body === "string") return this.#say(body, true);
    this.#busy = true;
    this.#draw();
    try {
      await this.#send(command, body);
      this.#touched = false;
      this.#say(done, false);
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error), true);
    } finally {
      this.#busy = false;
      this.#draw();
    }
  }

  /**
   * @param {string} text
   * @param {boolean} failed
   */
  #say(text, failed) {
    const message = byId("control-message");
    setText(message, text);
    setAttribute(message, "class", failed ? "bad" : "quiet");
  }
}
