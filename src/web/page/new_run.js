// @ts-check
/// <reference lib="dom" />
/**
 * The form of a new run: `aiotest --keep` runs a test again with other options.
 *
 * @module
 */

import { byId, element, setAttribute, setText } from "./dom.js";
import { formatAge } from "./format.js";

/** @typedef {import("../control.ts").RunForm} RunForm */
/** @typedef {import("../control.ts").FormFlag} FormFlag */

/**
 * The fields of `POST /api/start`.
 *
 * @typedef {Record<string, unknown>} Fields
 */

/**
 * What is wrong with a field.
 *
 * @typedef {object} Problem
 * @property {string} error A sentence.
 * @property {string | null} field As the server names it; null if it concerns no single field.
 */

/**
 * An input of the form.
 *
 * @typedef {object} Field
 * @property {string} name As the server names it: `users`, or `options.tenant`.
 * @property {HTMLElement} element
 * @property {HTMLElement} input What gets the focus.
 * @property {() => unknown} read Its value for the server; undefined if it is as it was.
 * @property {(text: string) => void} complain Shows what is wrong with it; an empty text: nothing.
 */

/** A dialog that asks for the options of a new run, and starts it. */
export class NewRunDialog {
  #dialog = byId("new-run", HTMLDialogElement);
  #submit = byId("new-run-start", HTMLButtonElement);
  #message = byId("new-run-message");
  #send;
  /** @type {RunFormView | null} */
  #form = null;
  #busy = false;

  /** @param {(fields: Fields) => Promise<Problem | null>} send Starts a run, or returns what is wrong. */
  constructor(send) {
    this.#send = send;
    this.#dialog.addEventListener("close", () => {
      // The button that has opened it may be gone by now.
      if (document.activeElement === document.body) byId("main").focus({ preventScroll: true });
    });
    byId("new-run-cancel").addEventListener("click", () => this.#dialog.close());
    byId("new-run-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
  }

  /**
   * Asks for the options.
   *
   * @param {RunForm} form
   * @returns {void}
   */
  open(form) {
    this.#form = new RunFormView(form);
    byId("new-run-fields").replaceChildren(...this.#form.elements);
    setText(this.#message, "");
    this.#dialog.showModal();
  }

  /** Closes it, because no run can be started any more. */
  close() {
    this.#dialog.close();
  }

  async #start() {
    if (this.#form === null || this.#busy) return;
    this.#form.complain(null);
    setText(this.#message, "");
    this.#busy = true;
    setText(this.#submit, "Starting …");
    try {
      const fields = this.#form.read();
      const problem = "error" in fields
        ? /** @type {Problem} */ (fields)
        : await this.#send(fields);
      if (problem === null) return this.#dialog.close();
      if (!this.#form.complain(problem)) setText(this.#message, problem.error);
    } finally {
      this.#busy = false;
      setText(this.#submit, "Start");
    }
  }
}

/** The fields of one form. */
class RunFormView {
  #form;
  /** @type {Field[]} */
  #fields = [];
  /** @type {Map<"closed" | "open", HTMLInputElement>} */
  #models = new Map();
  elements;

  /** @param {RunForm} form */
  constructor(form) {
    this.#form = form;
    this.elements = [
      this.#group("Target and load", [
        ...this.#hostFields(),
        ...(form.shape === null ? this.#loadFields() : [shapeNote(form.shape)]),
        ...this.#lengthFields(),
      ]),
      ...this.#classGroups(),
      ...this.#tagGroups(),
      ...this.#flagGroups(),
      this.#group("Name", this.#nameFields()),
    ];
  }

  /**
   * What differs from the last run, or what is wrong.
   *
   * @returns {Fields | Problem}
   */
  read() {
    /** @type {Fields} */
    const fields = {};
    /** @type {Record<string, unknown>} */
    const options = {};
    const { values } = this.#form;
    const model = this.#model;
    const isOther = model !== (values.arrivalRate === null ? "closed" : "open");
    for (const { name, input, read } of this.#fields) {
      if (OTHER_MODEL[model].includes(name)) continue;
      let value = read();
      // Both fields of a load belong together.
      if (value === undefined && isOther && LOADS[model].includes(name)) {
        value = numberOf(/** @type {HTMLInputElement} */ (input).value);
      }
      if (value === undefined) continue;
      const problem = problemOf(name, value);
      if (problem !== null) return { error: problem, field: name };
      if (name.startsWith(OPTION)) options[name.slice(OPTION.length)] = value;
      else fields[name] = value;
    }
    return Object.keys(options).length === 0 ? fields : { ...fields, options };
  }

  /**
   * Shows a problem at its field, and moves the focus there. Returns false if there is no such field.
   *
   * @param {Problem | null} problem
   * @returns {boolean}
   */
  complain(problem) {
    for (const { complain } of this.#fields) complain("");
    const field = this.#fields.find(({ name, element }) =>
      name === problem?.field && !element.hidden
    );
    if (field === undefined || problem === null) return false;
    field.complain(problem.error);
    field.input.focus();
    return true;
  }

  get #model() {
    return this.#models.get("open")?.checked ? "open" : "closed";
  }

  /**
   * @param {string} title
   * @param {readonly HTMLElement[]} parts
   */
  #group(title, parts) {
    return element("fieldset", { class: "form-group" }, [
      element("legend", { text: title }),
      ...parts,
    ]);
  }

  /** @param {Field} field */
  #add(field) {
    this.#fields.push(field);
    return field.element;
  }

  #hostFields() {
    const { host } = this.#form.values;
    return [this.#add(textField({
      name: "host",
      label: "Host",
      value: host ?? "",
      placeholder: "that of each user class",
      isWide: true,
      parse: textOrNull,
    }))];
  }

  #loadFields() {
    const { users, rate, arrivalRate, maxUsers } = this.#form.values;
    const isOpen = arrivalRate !== null;
    const number = (
      /** @type {string} */ name,
      /** @type {string} */ label,
      /** @type {number | null} */ value,
    ) =>
      this.#add(textField({
        name,
        label,
        value: value === null ? "" : String(value),
        isNumber: true,
        parse: numberOf,
      }));
    const closed = [number("users", "Users", users), number("rate", "Started per second", rate)];
    const open = [
      number("arrivalRate", "Iterations per second", arrivalRate),
      number("maxUsers", "Maximum users", maxUsers),
    ];
    const show = () => {
      const { open: isOpenNow } = { open: this.#model === "open" };
      for (const part of closed) part.hidden = isOpenNow;
      for (const part of open) part.hidden = !isOpenNow;
    };
    const choice = (
      /** @type {"closed" | "open"} */ model,
      /** @type {string} */ text,
      /** @type {boolean} */ checked,
    ) => {
      const input = element("input", { type: "radio", name: "model", value: model });
      input.checked = checked;
      input.addEventListener("change", show);
      this.#models.set(model, input);
      return element("label", { class: "choice" }, [input, text]);
    };
    const models = element(
      "div",
      { class: "choices wide", role: "radiogroup", "aria-label": "Load" },
      [
        choice("closed", "A number of users", !isOpen),
        choice("open", "An arrival rate", isOpen),
      ],
    );
    show();
    return [models, ...closed, ...open];
  }

  #lengthFields() {
    const { values: { runTime, iterations }, shape } = this.#form;
    const fields = [];
    if (shape === null) {
      fields.push(this.#add(textField({
        name: "runTime",
        label: "Run time",
        value: runTime === null ? "" : durationText(runTime),
        placeholder: "until it is stopped",
        parse: textOrNull,
      })));
    }
    fields.push(this.#add(textField({
      name: "iterations",
      label: "Iterations",
      value: iterations === null ? "" : String(iterations),
      placeholder: "any number",
      isNumber: true,
      parse: numberOf,
    })));
    return fields;
  }

  #classGroups() {
    const { classes, values: { userClasses } } = this.#form;
    const field = choicesField({
      name: "userClasses",
      choices: classes.map((one) => ({ name: one.name, note: classNote(one) })),
      // None chosen means all of them.
      chosen: userClasses.length === 0 ? classes.map(({ name }) => name) : userClasses,
      send: (chosen) => chosen.length === classes.length ? [] : chosen,
    });
    const none = "Choose at least one user class.";
    const read = () => field.chosen().length === 0 ? new Invalid(none) : field.read();
    return [this.#group("User classes", [this.#add({ ...field, read })])];
  }

  #tagGroups() {
    const { tags, values } = this.#form;
    if (tags.length === 0) return [];
    const choices = tags.map((name) => ({ name, note: "" }));
    return [
      this.#group("Only tests with one of these tags", [this.#add(choicesField({
        name: "tags",
        choices,
        chosen: values.tags,
        send: (chosen) => chosen,
      }))]),
      this.#group("No tests with one of these tags", [this.#add(choicesField({
        name: "excludeTags",
        choices,
        chosen: values.excludeTags,
        send: (chosen) => chosen,
      }))]),
    ];
  }

  #flagGroups() {
    const { flags } = this.#form;
    if (flags.length === 0) return [];
    const fields = flags.map((flag) => this.#add(flagField(flag)));
    return [this.#group("Options of the test file", fields)];
  }

  #nameFields() {
    const { name, labels } = this.#form.values;
    return [
      this.#add(textField({
        name: "name",
        label: "Name of the run",
        value: name ?? "",
        placeholder: "none",
        parse: textOrNull,
      })),
      this.#add(textField({
        name: "labels",
        label: "Labels",
        value: Object.entries(labels).map((pair) => pair.join("=")).join(", "),
        placeholder: "env=staging, build=12",
        parse: readLabels,
      })),
    ];
  }
}

const OPTION = "options.";

/** The fields of each load model. */
const LOADS = { closed: ["users", "rate"], open: ["arrivalRate", "maxUsers"] };
const OTHER_MODEL = { closed: LOADS.open, open: LOADS.closed };

/** A value that the form itself refuses. */
class Invalid {
  error;

  /** @param {string} error */
  constructor(error) {
    this.error = error;
  }
}

/**
 * What the form itself refuses. The server checks everything else.
 *
 * @param {string} name
 * @param {unknown} value
 * @returns {string | null}
 */
function problemOf(name, value) {
  if (value instanceof Invalid) return value.error;
  const isLoad = [...LOADS.closed, ...LOADS.open].includes(name);
  return isLoad && value === null ? "Enter a number." : null;
}

/** @param {string} shape */
function shapeNote(shape) {
  return element("p", {
    class: "quiet wide",
    text: `The shape ${shape} of the test file decides about users and run time.`,
  });
}

/**
 * How many users of a class there are.
 *
 * @param {RunForm["classes"][number]} one
 * @returns {string}
 */
export function classNote({ weight, fixedCount, hasLoad }) {
  if (hasLoad) return "a load of its own";
  if (fixedCount > 0) return fixedCount === 1 ? "1 user" : `${fixedCount} users`;
  return `weight ${weight}`;
}

/**
 * Seconds as they are written on the command line: `30s`, `1m30s`.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function durationText(seconds) {
  if (seconds < 60 || !Number.isInteger(seconds)) return `${seconds}s`;
  return formatAge(seconds * 1000);
}

/**
 * A number, null for nothing, or the text, about which the server says more.
 *
 * @param {string} text
 * @returns {number | string | null}
 */
export function numberOf(text) {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : trimmed;
}

/** @param {string} text */
function textOrNull(text) {
  return text.trim() === "" ? null : text.trim();
}

/**
 * Labels as an object.
 *
 * @param {string} text `env=staging, build=12`
 * @returns {Readonly<Record<string, string>> | Invalid}
 */
function readLabels(text) {
  /** @type {[string, string][]} */
  const labels = [];
  for (const part of text.split(/[,\n]/)) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    if (at < 1) return new Invalid(`${part.trim()}: enter labels as env=staging, build=12.`);
    labels.push([part.slice(0, at).trim(), part.slice(at + 1).trim()]);
  }
  return Object.fromEntries(labels);
}

let fields = 0;

/**
 * A field with one line of text.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {string | Node} options.label
 * @param {string} options.value The initial one.
 * @param {string} [options.help]
 * @param {string} [options.placeholder]
 * @param {boolean} [options.isNumber]
 * @param {boolean} [options.isSecret]
 * @param {boolean} [options.isWide]
 * @param {(text: string) => unknown} options.parse
 * @returns {Field}
 */
function textField(
  { name, label, value, help = "", placeholder = "", isNumber, isSecret, isWide, parse },
) {
  const id = `new-run-field-${fields++}`;
  const input = element("input", {
    id,
    type: isSecret ? "password" : "text",
    name,
    inputmode: isNumber ? "decimal" : null,
    placeholder: placeholder === "" ? null : placeholder,
    autocomplete: isSecret ? "new-password" : "off",
    spellcheck: "false",
  });
  input.value = value;
  const { parts, complain } = surroundings(input, id, help);
  const box = element("div", { class: isWide ? "field wide" : "field" }, [
    element("label", { for: id }, [label]),
    input,
    ...parts,
  ]);
  const read = () => input.value === value ? undefined : parse(input.value);
  return { name, element: box, input, read, complain };
}

/**
 * A field with a list of texts, one of which is chosen. An empty text: none.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {string | Node} options.label
 * @param {readonly string[]} options.choices
 * @param {string} options.value The initial one.
 * @param {string} options.help
 * @returns {Field}
 */
function selectField({ name, label, choices, value, help }) {
  const id = `new-run-field-${fields++}`;
  const input = element(
    "select",
    { id, name },
    choices.map((text) => element("option", { value: text, text: text === "" ? "none" : text })),
  );
  input.value = value;
  const { parts, complain } = surroundings(input, id, help);
  const box = element("div", { class: "field" }, [
    element("label", { for: id }, [label]),
    input,
    ...parts,
  ]);
  const read = () => input.value === value ? undefined : textOrNull(input.value);
  return { name, element: box, input, read, complain };
}

/**
 * A field with one box.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {string | Node} options.label
 * @param {boolean} options.value The initial one.
 * @param {string} options.help
 * @param {(isChecked: boolean) => unknown} options.parse
 * @returns {Field}
 */
function switchField({ name, label, value, help, parse }) {
  const id = `new-run-field-${fields++}`;
  const input = element("input", { id, type: "checkbox", name });
  input.checked = value;
  const { parts, complain } = surroundings(input, id, help);
  const box = element("div", { class: "field switch" }, [
    element("label", { class: "choice", for: id }, [input, label]),
    ...parts,
  ]);
  const read = () => input.checked === value ? undefined : parse(input.checked);
  return { name, element: box, input, read, complain };
}

/**
 * A field with a box for each of several names.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {readonly { readonly name: string, readonly note: string }[]} options.choices
 * @param {readonly string[]} options.chosen The initial ones.
 * @param {(chosen: string[]) => unknown} options.send
 * @returns {Field & { chosen(): string[] }}
 */
function choicesField({ name, choices, chosen: initial, send }) {
  const id = `new-run-field-${fields++}`;
  const boxes = choices.map((choice) => {
    const input = element("input", { type: "checkbox", name, value: choice.name });
    input.checked = initial.includes(choice.name);
    return input;
  });
  const list = element(
    "div",
    { class: "choices" },
    choices.map((choice, index) =>
      element("label", { class: "choice" }, [
        boxes[index] ?? "",
        element("span", { class: "choice-name", text: choice.name }),
        ...(choice.note === "" ? [] : [element("span", { class: "quiet", text: choice.note })]),
      ])
    ),
  );
  const first = boxes[0] ?? list;
  const { parts, complain } = surroundings(first, id, "");
  const chosen = () => boxes.filter(({ checked }) => checked).map(({ value }) => value);
  const before = JSON.stringify(chosen());
  const read = () => JSON.stringify(chosen()) === before ? undefined : send(chosen());
  const box = element("div", { class: "field wide" }, [list, ...parts]);
  return { name, element: box, input: first, read, complain, chosen };
}

/**
 * A field for a flag that the test file has added.
 *
 * @param {FormFlag} flag
 * @returns {Field}
 */
function flagField({ name: option, flag, help, kind, value, isSecret, choices, default: usual }) {
  const name = `${OPTION}${option}`;
  const label = element("code", { text: flag });
  if (kind === "switch") {
    // That of --no-cache is set as long as it is not given.
    const isNegated = flag.startsWith("--no-");
    return switchField({
      ...{ name, label, help },
      value: (value === true) !== isNegated,
      parse: (isChecked) => isChecked !== isNegated,
    });
  }
  if (choices !== null) {
    const texts = usual === null ? ["", ...choices] : choices;
    return selectField({ ...{ name, label, help }, choices: texts, value: shownText(value) });
  }
  const isList = kind === "list";
  return textField({
    ...{ name, label, help, isSecret },
    value: isList && Array.isArray(value) ? value.join(", ") : shownText(value),
    placeholder: isSecret ? "as before" : isList ? "a, b, c" : "",
    parse: (text) =>
      isList
        ? text.split(",").map((part) => part.trim()).filter((part) => part !== "")
        : textOrNull(text),
  });
}

/** @param {unknown} value */
function shownText(value) {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}

/**
 * The help and the error of an input.
 *
 * @param {HTMLElement} input
 * @param {string} id
 * @param {string} help
 */
function surroundings(input, id, help) {
  const note = element("p", { class: "quiet field-help", id: `${id}-help`, text: help });
  const error = element("p", { class: "bad field-error", id: `${id}-error`, hidden: true });
  const complain = (/** @type {string} */ text) => {
    setText(error, text);
    error.hidden = text === "";
    const described = [...(help === "" ? [] : [note.id]), ...(text === "" ? [] : [error.id])];
    setAttribute(input, "aria-describedby", described.join(" ") || null);
    setAttribute(input, "aria-invalid", text === "" ? null : "true");
  };
  complain("");
  return { parts: help === "" ? [error] : [note, error], complain };
}
