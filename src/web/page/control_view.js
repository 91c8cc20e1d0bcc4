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
/** @typedef {import("../../load/load.ts").PartialLoad} PartialLoad */
/** @typedef {"start" | "stop" | "pause" | "resume" | "target"} RunCommand */
/** @typedef {(command: RunCommand, body?: PartialLoad) => Promise<void>} SendCommand */

/** Shows what can be done with a run, and sends the commands. */
export class ControlView {
  #send;
  /** @type {LiveView["live"] | null} */
  #live = null;
  #runId = "";
  #connected = false;
  #busy = false;
  /** @type {ShownMessage | null} */
  #message = null;
  #amount = new LoadField(byId("amount", HTMLInputElement));
  #pace = new LoadField(byId("pace", HTMLInputElement));
  #start = byId("start", HTMLButtonElement);
  #apply = byId("apply", HTMLButtonElement);
  /** Pauses or resumes: one button, so that it keeps the focus. */
  #pause = byId("pause", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);

  /** @param {SendCommand} send */
  constructor(send) {
    this.#send = send;
    for (const { input } of [this.#amount, this.#pace]) {
      input.addEventListener("input", () => this.#showMessage(null));
    }
    this.#start.addEventListener("click", () => this.#startRun());
    this.#pause.addEventListener("click", () => {
      if (this.#live?.paused) this.#run("resume", undefined, "Resumed.");
      else this.#run("pause", undefined, "Paused: users finish their iterations and wait.");
    });
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
  update({ runId, live }) {
    if (runId !== this.#runId) {
      this.#runId = runId;
      this.#showMessage(null);
      this.#amount.clear();
      this.#pace.clear();
    }
    this.#live = live;
    const fields = loadFields(live);
    setText(byId("amount-label"), fields.amountLabel);
    setText(byId("pace-label"), fields.paceLabel);
    const placeholder = live.state === "ready" ? "as configured" : null;
    this.#amount.show(fields.amount, fields.amountStep, placeholder);
    this.#pace.show(fields.pace, fields.paceStep, placeholder);
    if (this.#message !== null && !isCurrent(this.#message, live)) this.#showMessage(null);
    this.#draw();
  }

  /**
   * Enables or disables the form with the connection.
   *
   * @param {boolean} connected
   * @returns {void}
   */
  setConnected(connected) {
    // What the server did not answer to is settled once it sends the state of the run again.
    if (connected && !this.#connected) this.#showMessage(null);
    this.#connected = connected;
    this.#draw();
  }

  #draw() {
    const control = this.#live?.control;
    const usable = this.#connected && control?.allowed === true;
    const isBeforeStart = this.#live?.state === "ready" || control?.canStart === true;
    this.#start.disabled = !usable || !control.canStart;
    this.#apply.disabled = !usable || !control.canChange;
    this.#pause.disabled = !usable || !(control.canPause || control.canResume);
    const paused = this.#live?.paused ?? false;
    setText(this.#pause, paused ? "Resume" : "Pause");
    setAttribute(this.#pause, "class", paused ? "primary" : null);
    setAttribute(this.#apply, "class", paused ? null : "primary");
    this.#stop.disabled = !usable || !control.canStop;
    this.#start.hidden = !isBeforeStart;
    this.#apply.hidden = isBeforeStart;
    this.#pause.hidden = isBeforeStart;
    const isFixed = this.#live?.sharedUsers === null;
    const fixed = !usable || isFixed || !(control.canChange || control.canStart);
    this.#amount.input.disabled = fixed;
    this.#pace.input.disabled = fixed;
    setText(byId("control-reason"), control?.reason ?? "");
    byId("control-reason").hidden = (control?.reason ?? "") === "";
  }

  #startRun() {
    // Before the start, an empty field means the configured value.
    const load = this.#enteredLoad((text) => text.trim() !== "");
    this.#run("start", load === NO_CHANGE ? undefined : load, "Started.");
  }

  #submit() {
    if (this.#apply.hidden) return this.#startRun();
    this.#run("target", this.#enteredLoad(), "Changed.");
  }

  /**
   * The fields that were edited: the others keep the value that is in force.
   *
   * @param {(text: string) => boolean} [isGiven]
   */
  #enteredLoad(isGiven = () => true) {
    const [amount, pace] = [this.#amount, this.#pace].map(({ edited, input }) =>
      edited && isGiven(input.value) ? input.value : null
    );
    const model = (this.#live?.arrivals ?? null) === null ? "closed" : "open";
    return readLoad(model, amount ?? null, pace ?? null);
  }

  #forgetEdits() {
    this.#amount.edited = false;
    this.#pace.edited = false;
  }

  /**
   * @param {RunCommand} command
   * @param {PartialLoad | string | undefined} body A string is a validation error.
   * @param {string} done The message after success.
   */
  async #run(command, body, done) {
    // A button that was disabled meanwhile would lose the focus.
    if (this.#busy) return;
    if (typeof body === "string") return this.#showMessage(this.#messageNow(body, null));
    this.#busy = true;
    try {
      await this.#send(command, body);
      if (command === "start" || command === "target") this.#forgetEdits();
      this.#showMessage(this.#messageNow(done, command));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#showMessage(this.#messageNow(text, null));
    } finally {
      this.#busy = false;
    }
  }

  /**
   * @param {string} text
   * @param {ShownMessage["command"]} command
   * @returns {ShownMessage | null} Null if the run has already moved on.
   */
  #messageNow(text, command) {
    const { state = "ready", elapsedSeconds = 0 } = this.#live ?? {};
    const message = { text, command, state, elapsedSeconds };
    return this.#live === null || isCurrent(message, this.#live) ? message : null;
  }

  /** @param {ShownMessage | null} message */
  #showMessage(message) {
    this.#message = message;
    setText(byId("control-message"), message?.text ?? "");
    setAttribute(byId("control-message"), "class", message?.command === null ? "bad" : "quiet");
  }
}

/** A field that shows the value in force until it is edited. */
class LoadField {
  input;
  /** Whether it was edited since its value was last applied. */
  edited = false;

  /** @param {HTMLInputElement} input */
  constructor(input) {
    this.input = input;
    input.addEventListener("input", () => {
      this.edited = true;
    });
  }

  clear() {
    this.edited = false;
    this.input.value = "";
  }

  /**
   * @param {string} value
   * @param {string} step
   * @param {string | null} placeholder
   */
  show(value, step, placeholder) {
    setAttribute(this.input, "step", step);
    setAttribute(this.input, "placeholder", placeholder);
    // A new value would undo the selection of a user who is about to type.
    if (this.edited || this.input === document.activeElement) return;
    if (this.input.value !== value) this.input.value = value;
  }
}

/**
 * What came of a command.
 *
 * @typedef {object} ShownMessage
 * @property {string} text
 * @property {RunCommand | null} command Null if it failed.
 * @property {LiveState["state"]} state The state of the run at that time.
 * @property {number} elapsedSeconds
 */

/** How long success is reported, in seconds of the run. */
const MESSAGE_SECONDS = 10;

/** After this time, the state says whether the run has been paused or resumed. */
const PAUSE_SECONDS = 2;

/**
 * Whether a message still fits the state of the run. A state that says the same replaces the message.
 *
 * @param {ShownMessage} message
 * @param {Pick<LiveState, "state" | "paused" | "elapsedSeconds">} live
 * @returns {boolean}
 */
export function isCurrent(message, { state, paused, elapsedSeconds }) {
  const isActive = state === "spawning" || state === "running";
  const wasActive = message.state === "spawning" || message.state === "running";
  if (message.command === null) return state === message.state || isActive && wasActive;
  if (elapsedSeconds > message.elapsedSeconds + MESSAGE_SECONDS) return false;
  if (message.command === "stop") return isActive || state === "ready";
  if (message.command === "pause" || message.command === "resume") {
    const isDone = paused === (message.command === "pause");
    return isActive && (isDone || elapsedSeconds <= message.elapsedSeconds + PAUSE_SECONDS);
  }
  return isActive || message.command === "start" && state === "ready";
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
 * The fields for a run. They are empty before its start.
 *
 * @param {Pick<LiveState, "state" | "sharedUsers" | "spawnRate" | "arrivals">} live
 * @returns {LoadFields}
 */
export function loadFields({ state, sharedUsers, spawnRate, arrivals }) {
  const shown = (/** @type {number | null} */ value) =>
    state === "ready" || value === null ? "" : String(value);
  if (arrivals !== null) {
    return {
      amountLabel: ARRIVAL_RATE_LABEL,
      amount: shown(arrivals.rate),
      amountStep: "any",
      paceLabel: MAX_USERS_LABEL,
      pace: shown(arrivals.maxUsers),
      paceStep: "1",
    };
  }
  return {
    amountLabel: USERS_LABEL,
    amount: shown(sharedUsers),
    amountStep: "1",
    paceLabel: SPAWN_RATE_LABEL,
    pace: shown(spawnRate),
    paceStep: "any",
  };
}

/** The message if no field was edited. */
export const NO_CHANGE = "Enter a new value first.";

/**
 * Reads the fields that were edited. Returns a sentence if a value is invalid, or none was edited.
 *
 * @param {"closed" | "open"} model
 * @param {string | null} amountText Null if it was not edited.
 * @param {string | null} paceText
 * @returns {PartialLoad | string}
 */
export function readLoad(model, amountText, paceText) {
  if (amountText === null && paceText === null) return NO_CHANGE;
  const amount = numberOf(amountText);
  const pace = numberOf(paceText);
  /** @type {Partial<Record<"users" | "rate" | "arrivalRate" | "maxUsers", number>>} */
  const load = {};
  if (amount !== null) {
    if (model === "open") {
      if (!(amount >= 0)) return `${ARRIVAL_RATE_LABEL}: enter a number of 0 or more.`;
      load.arrivalRate = amount;
    } else {
      if (!(amount >= 0) || !Number.isInteger(amount)) {
        return `${USERS_LABEL}: enter a whole number of 0 or more.`;
      }
      load.users = amount;
    }
  }
  if (pace !== null) {
    if (model === "open") {
      if (!(pace >= 1) || !Number.isInteger(pace)) {
        return `${MAX_USERS_LABEL}: enter a whole number of 1 or more.`;
      }
      load.maxUsers = pace;
    } else {
      if (!(pace > 0)) return `${SPAWN_RATE_LABEL}: enter a number greater than 0.`;
      load.rate = pace;
    }
  }
  return load;
}

/**
 * @param {string | null} text
 * @returns {number | null} NaN if it is not a number.
 */
function numberOf(text) {
  if (text === null) return null;
  const number = Number(text.trim());
  return text.trim() === "" || !Number.isFinite(number) ? NaN : number;
}
