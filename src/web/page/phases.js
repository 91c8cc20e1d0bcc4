// @ts-check
/// <reference lib="dom" />
/**
 * Where the time of requests went: an average request as a bar of its parts, and a table by name.
 *
 * @module
 */

import { element, place, setAttribute, setText } from "./dom.js";
import {
  formatAmount,
  formatExact,
  formatLatency,
  formatMilliseconds,
  formatShare,
} from "./format.js";
import { DataTable } from "./table.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../../report/summary.ts").CompactTotals} CompactTotals */
/** @typedef {import("../../report/summary.ts").SummaryPhases} SummaryPhases */

/** @typedef {Pick<CompactTotals, "connections" | "phases"> & { readonly method: string; readonly name: string }} PhaseLine */

/** @typedef {{ readonly requests: readonly PhaseLine[] }} PhaseRows */

/** @type {readonly (readonly [field: keyof SummaryPhases, title: string, hint: string])[]} */
const PHASES = [
  ["dnsMs", "DNS lookup", "Looking up an address, for requests that had to"],
  ["connectMs", "Connect", "Opening a connection, for requests that opened one"],
  ["tlsMs", "TLS handshake", "The TLS handshake, for requests that opened a connection"],
  ["ttfbMs", "First byte", "From sending the request to the first byte of its response"],
  ["downloadMs", "Download", "From the first to the last byte of the response"],
];

/**
 * A part of an average request.
 *
 * @typedef {object} PhasePart
 * @property {string} field
 * @property {string} title
 * @property {number} ms Its mean over all requests with a response.
 * @property {number} share Of the whole, 0 to 1.
 */

/**
 * The parts of an average request. What opening connections took is divided among all requests.
 *
 * @param {SummaryPhases} phases
 * @returns {readonly PhasePart[]} Empty if nothing was measured.
 */
export function averageParts(phases) {
  const responses = phases.ttfbMs?.count ?? 0;
  if (responses === 0) return [];
  const parts = PHASES.flatMap(([field, title]) => {
    const times = phases[field];
    if (times === null || times.mean === null) return [];
    return [{ field, title, ms: times.mean * times.count / responses }];
  });
  const whole = parts.reduce((sum, { ms }) => sum + ms, 0);
  return parts.map((part) => ({ ...part, share: whole > 0 ? part.ms / whole : 0 }));
}

/**
 * The rows of the table; none if all there is to say is how long requests waited for their first byte.
 *
 * @param {Pick<LiveView, "totals"> & PhaseRows} view
 * @returns {readonly PhaseLine[]}
 */
export function phaseLines({ totals, requests }) {
  const { connections, phases } = totals;
  if (connections.opened === 0 && !((phases.downloadMs?.max ?? 0) > 0)) return [];
  return requests.filter(({ connections, phases }) =>
    connections.opened > 0 || phases.ttfbMs !== null
  );
}

/**
 * What the system said about connections, as sentences; empty if it was not asked.
 *
 * @param {LiveView["network"]} network
 * @returns {string}
 */
export function networkText(network) {
  if (network === null) return "";
  const { samples, retransmitting, roundTripMs: { p50, p99 } } = network;
  return `Round-trip time of connections: ${formatMilliseconds(p50)} median, ` +
    `${formatMilliseconds(p99)} p99. ${formatExact(retransmitting)} of ` +
    `${formatAmount(samples, "sampled connection")} had sent data again ` +
    `(${formatShare(retransmitting / samples)}).`;
}

/** The bar and the table. Hidden if there is nothing to say. */
export class PhasesView {
  #table = phasesTable();
  #bar = element("div", { class: "phase-bar", "aria-hidden": "true" });
  #legend = element("ul", { class: "phase-legend" });
  /** @type {Map<string, { mark: HTMLElement, entry: HTMLElement, text: HTMLElement }>} */
  #parts = new Map();
  #network = element("p", { class: "quiet table-note" });
  /** To be added to the page. */
  element = this.#table.element;

  constructor() {
    this.element.firstElementChild?.after(
      element("div", { class: "phase-picture" }, [this.#bar, this.#legend]),
    );
    this.element.append(this.#network);
  }

  /**
   * @param {Pick<LiveView, "totals" | "network"> & PhaseRows} view
   * @returns {void}
   */
  update(view) {
    const rows = phaseLines(view);
    const total = { method: "", name: "All requests", ...view.totals };
    this.#table.update(rows, rows.length === 0 ? null : total);
    const parts = averageParts(view.totals.phases).map((part) => this.#show(part));
    place(this.#bar, parts.map(({ mark }) => mark));
    place(this.#legend, parts.map(({ entry }) => entry));
    setText(this.#network, networkText(view.network));
    this.#network.hidden = view.network === null;
  }

  /** Shows all rows, for printing. */
  showAll() {
    this.#table.showAll();
  }

  /** @param {PhasePart} part */
  #show({ field, title, ms, share }) {
    const shown = this.#parts.get(field) ?? this.#add(field);
    shown.mark.style.width = `${(share * 100).toFixed(3)}%`;
    setAttribute(shown.mark, "title", `${title}: ${formatMilliseconds(ms)}`);
    setText(shown.text, `${title} ${formatMilliseconds(ms)}`);
    return shown;
  }

  /** @param {string} field */
  #add(field) {
    const name = `phase-${field.replace("Ms", "")}`;
    const text = element("span");
    const shown = {
      mark: element("span", { class: `phase-mark ${name}` }),
      entry: element("li", {}, [element("span", { class: `phase-key ${name}` }), text]),
      text,
    };
    this.#parts.set(field, shown);
    return shown;
  }
}

/** @type {readonly ("p50" | "p95")[]} */
const FIGURES = ["p50", "p95"];

/** @returns {DataTable<PhaseLine>} */
function phasesTable() {
  return new DataTable({
    id: "phases-title",
    title: "Where the time went",
    note: "mean of all requests; times in ms",
    columns: [
      { title: "Name", kind: "text", text: ({ name }) => name },
      { title: "Type", kind: "label", text: ({ method }) => method },
      connections("Opened", "opened", "Connections that were opened"),
      connections("Reused", "reused", "Requests on a connection that was open already"),
      ...PHASES.flatMap(([field, title, hint]) =>
        FIGURES.map((figure) => phaseColumn(field, title, figure, hint))
      ),
    ],
    keyOf: ({ method, name }) => JSON.stringify([method, name]),
    empty: "",
    hiddenWhenEmpty: true,
    stackedBelow: 1160,
  });
}

/**
 * @param {string} title
 * @param {"opened" | "reused"} field
 * @param {string} hint
 * @returns {import("./table.js").Column<PhaseLine>}
 */
function connections(title, field, hint) {
  return {
    title,
    kind: "number",
    text: ({ connections }) => formatExact(connections[field]),
    value: ({ connections }) => connections[field],
    hint,
    isUseful: ({ connections }) => connections.opened + connections.reused > 0,
  };
}

/**
 * @param {keyof SummaryPhases} field
 * @param {string} title
 * @param {"p50" | "p95"} figure
 * @param {string} hint
 * @returns {import("./table.js").Column<PhaseLine>}
 */
function phaseColumn(field, title, figure, hint) {
  return {
    title: `${title.replace(/ (lookup|handshake)$/, "")} ${figure}`,
    kind: "number",
    text: ({ phases }) => formatLatency(phases[field]?.[figure] ?? null),
    value: ({ phases }) => phases[field]?.[figure] ?? null,
    hint,
    isUseful: ({ phases }) => phases[field] !== null,
  };
}
