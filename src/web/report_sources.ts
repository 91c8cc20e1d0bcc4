/**
 * What an HTML report is made of: the dashboard's own modules and style sheets, and what only a report
 * has. Each is read when a report is made, and is named here, so that it is in the executable too.
 *
 * @module
 */

import type { ScriptModule } from "./linked_script.ts";

/** The texts that go into every report. */
export interface ReportSources {
  /** The page, with a comment where each of the others goes. */
  readonly page: string;
  /** As an SVG. */
  readonly icon: string;
  readonly style: string;
  /** Each after those that it imports; the last is the page's own. */
  readonly modules: readonly ScriptModule[];
  /** Under which the package that is among them may be handed on. */
  readonly licence: string;
}

/** Reads them. */
export async function readReportSources(): Promise<ReportSources> {
  const [page, icon, licence, plot, styles, modules] = await Promise.all([
    textOf(import("./report_page/report.html", { with: { type: "text" } })),
    textOf(import("./page/icon.svg", { with: { type: "text" } })),
    textOf(import("uplot/LICENSE", { with: { type: "text" } })),
    textOf(import("uplot/dist/uPlot.iife.min.js", { with: { type: "text" } })),
    Promise.all(STYLES.map((load) => textOf(load()))),
    Promise.all(
      MODULES.map(async ([name, load]) => ({ name, text: await textOf(load()) })),
    ),
  ]);
  return {
    page,
    icon,
    licence,
    style: styles.join("\n"),
    modules: [{ name: "uplot", text: `${SHARP}\n${plot}`, variable: "uPlot" }, ...modules],
  };
}

/** On paper, a chart that was drawn for a screen would be blurred: uPlot asks this how fine to draw. */
const SHARP = "const devicePixelRatio = Math.max(2, globalThis.devicePixelRatio);";

type Text = Promise<{ readonly default: string }>;

async function textOf(module: Text): Promise<string> {
  return (await module).default;
}

/** Later ones refine those before them. */
const STYLES: readonly (() => Text)[] = [
  () => import("uplot/dist/uPlot.min.css", { with: { type: "text" } }),
  () => import("./page/theme.css", { with: { type: "text" } }),
  () => import("./page/parts.css", { with: { type: "text" } }),
  () => import("./report_page/report.css", { with: { type: "text" } }),
];

const MODULES: readonly (readonly [name: string, load: () => Text])[] = [
  ["page/format.js", () => import("./page/format.js", { with: { type: "text" } })],
  ["page/dom.js", () => import("./page/dom.js", { with: { type: "text" } })],
  ["page/page_parts.js", () => import("./page/page_parts.js", { with: { type: "text" } })],
  ["page/observed_text.js", () => import("./page/observed_text.js", { with: { type: "text" } })],
  ["page/row_order.js", () => import("./page/row_order.js", { with: { type: "text" } })],
  ["page/tiles.js", () => import("./page/tiles.js", { with: { type: "text" } })],
  ["page/tiles_view.js", () => import("./page/tiles_view.js", { with: { type: "text" } })],
  ["page/timeline.js", () => import("./page/timeline.js", { with: { type: "text" } })],
  ["page/charts.js", () => import("./page/charts.js", { with: { type: "text" } })],
  ["page/table.js", () => import("./page/table.js", { with: { type: "text" } })],
  ["page/tables.js", () => import("./page/tables.js", { with: { type: "text" } })],
  [
    "report_page/report_words.js",
    () => import("./report_page/report_words.js", { with: { type: "text" } }),
  ],
  [
    "report_page/report_tables.js",
    () => import("./report_page/report_tables.js", { with: { type: "text" } }),
  ],
  [
    "report_page/latency_steps.js",
    () => import("./report_page/latency_steps.js", { with: { type: "text" } }),
  ],
  [
    "report_page/latency_chart.js",
    () => import("./report_page/latency_chart.js", { with: { type: "text" } }),
  ],
  ["report_page/report.js", () => import("./report_page/report.js", { with: { type: "text" } })],
];
