// @ts-check
/// <reference lib="dom" />
/**
 * The form that starts, changes and stops a run.
 *
 * @module
 */

import { byId, setAttribute, setText } from "./dom.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../live_view.ts").LiveState} LiveState */
/** @typedef {import("../../load/load.ts").ResolvedLoad} ResolvedLoad */
/** @typedef {(command: "start" | "stop" | "target", body?: ResolvedLoad) => Promise<void>} SendCommand */

/** Shows what can be done with a run, and sends the commands. */
export class ControlView {
  #send;
  /** @type {LiveView["live"] | null} */
  #live = null;
  #connected = false;
  /** Whether the fields have been edited since the last command. */
  #edited = false;
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
        this.#edited = true;
        this.#showMessage("", false);
      });
    }
    this.#start.addEventListener("click", () => this.#startRun());
    this.#stop.addEventListener("click", () => this.#run("stop", undefined, "Stopping."));
    byId("control-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /**
   * @param {LiveView} view
   * @returns {void}
   */
  update({ live }) {
    this.#live = live;
    const fields = loadFields(live);
    setText(byId("amount-label"), fields.amountLabel);
    setText(byId("pace-label"), fields.paceLabel);
    setAttribute(this.#amount, "step", fields.amountStep);
    setAttribute(this.#pace, "step", fields.paceStep);
    const placeholder = live.state === "ready" ? "as configured" : null;
    setAttribute(this.#amount, "placeholder", placeholder);
    setAttribute(this.#pace, "placeholder", placeholder);
    if (!this.#edited) {
      if (this.#amount.value !== fields.amount) this.#amount.value = fields.amount;
      if (this.#pace.value === "" || live.model === "open") this.#pace.value = fields.pace;
    }
    this.#draw();
  }

  /**
   * Enables or disables the form with the connection.
   *
   * @param {boolean} connected
   * @returns {void}
   */
  setConnected(connected) {
    this.#connected = connected;
    this.#draw();
  }

  #draw() {
    const control = this.#live?.control;
    const usable = this.#connected && !this.#busy && control?.allowed === true;
    const isBeforeStart = this.#live?.state === "ready" || control?.canStart === true;
    this.#start.disabled = !usable || !control.canStart;
    this.#apply.disabled = !usable || !control.canChange;
    this.#stop.disabled = !usable || !control.canStop;
    this.#start.hidden = !isBeforeStart;
    this.#apply.hidden = isBeforeStart;
    const fixed = !usable || !(control.canChange || control.canStart);
    this.#amount.disabled = fixed;
    this.#pace.disabled = fixed;
    setText(byId("control-reason"), control?.reason ?? "");
    byId("control-reason").hidden = (control?.reason ?? "") === "";
  }

  #startRun() {
    const asConfigured = !this.#edited || (this.#amount.value === "" && this.#pace.value === "");
    this.#run("start", asConfigured ? undefined : this.#enteredLoad(), "Started.");
  }

  #submit() {
    if (this.#apply.hidden) return this.#startRun();
    this.#run("target", this.#enteredLoad(), "Changed.");
  }

  #enteredLoad() {
    return readLoad(this.#live?.model ?? "closed", this.#amount.value, this.#pace.value);
  }

  /**
   * @param {"start" | "stop" | "target"} command
   * @param {ResolvedLoad | string | undefined} body A string is a validation error.
   * @param {string} done The message after success.
   */
  async #run(command, body, done) {
    if (typeof body === "string") return this.#showMessage(body, true);
    this.#busy = true;
    this.#draw();
    try {
      await this.#send(command, body);
      this.#edited = false;
      this.#showMessage(done, false);
    } catch (error) {
      this.#showMessage(error instanceof Error ? error.message : String(error), true);
    } finally {
      this.#busy = false;
      this.#draw();
    }
  }

  /**
   * @param {string} text
   * @param {boolean} failed
   */
  #showMessage(text, failed) {
    const message = byId("control-message");
    setText(message, text);
    setAttribute(message, "class", failed ? "bad" : "quiet");
  }
}

/**
 * The labels of the two fields, and their values before they are edited.
 *
 * @typedef {object} LoadFields
 * @property {string} amountLabel
 * @property {string} amount
 * @property {string} amountStep
 * @property {string} paceLabel
 * @property {string} pace
 * @property {string} paceStep
 */

/** In the closed model. */
const USERS_LABEL = "Users";
const SPAWN_RATE_LABEL = "Started per second";
/** In the open model. */
const ARRIVAL_RATE_LABEL = "Iterations per second";
const MAX_USERS_LABEL = "Maximum users";

/**
 * The fields for a run.
 *
 * @param {Pick<LiveState, "users" | "arrivals">} live
 * @returns {LoadFields}
 */
export function loadFields({ users, arrivals }) {
  if (arrivals !== null) {
    return {
      amountLabel: ARRIVAL_RATE_LABEL,
      amount: String(arrivals.rate),
      amountStep: "any",
      paceLabel: MAX_USERS_LABEL,
      pace: String(arrivals.maxUsers),
      paceStep: "1",
    };
  }
  return {
    amountLabel: USERS_LABEL,
    amount: users.target === 0 ? "" : String(users.target),
    amountStep: "1",
    paceLabel: SPAWN_RATE_LABEL,
    // The page does not know the configured rate; a change within ten seconds is a safe default.
    pace: users.target === 0 ? "" : String(Math.max(1, Math.ceil(users.target / 10))),
    paceStep: "any",
  };
}

/**
 * Reads the two fields. Returns a sentence if a value is invalid.
 *
 * @param {LiveState["model"]} model
 * @param {string} amountText
 * @param {string} paceText
 * @returns {ResolvedLoad | string}
 */
export function readLoad(model, amountText, paceText) {
  const amount = numberOf(amountText);
  const pace = numberOf(paceText);
  if (model === "open") {
    if (amount === null || amount < 0) return `${ARRIVAL_RATE_LABEL}: enter a number of 0 or more.`;
    if (pace === null || pace < 1 || !Number.isInteger(pace)) {
      return `${MAX_USERS_LABEL}: enter a whole number of 1 or more.`;
    }
    return { arrivalRate: amount, maxUsers: pace };
  }
  if (amount === null || amount < 0 || !Number.isInteger(amount)) {
    return `${USERS_LABEL}: enter a whole number of 0 or more.`;
  }
  if (pace === null || pace <= 0) return `${SPAWN_RATE_LABEL}: enter a number greater than 0.`;
  return { users: amount, rate: pace };
}

/**
 * @param {string} text
 * @returns {number | null}
 */
function numberOf(text) {
  const number = Number(text.trim());
  return text.trim() === "" || !Number.isFinite(number) ? null : number;
}
