/**
 * The source files of the dashboard's page and of HTML reports. Each is loaded when it is first used,
 * so an unused dashboard costs nothing, and imported by name, so it becomes part of the executable.
 *
 * @module
 */

type TextModule = Promise<{ readonly default: string }>;

/** Every file that is served or becomes part of a report. */
const SOURCES: Readonly<Record<string, () => TextModule>> = {
  "page/app.js": () => import("./page/app.js", { with: { type: "text" } }),
  "page/chart_specs.js": () => import("./page/chart_specs.js", { with: { type: "text" } }),
  "page/charts.css": () => import("./page/charts.css", { with: { type: "text" } }),
  "page/charts.js": () => import("./page/charts.js", { with: { type: "text" } }),
  "page/comparison.js": () => import("./page/comparison.js", { with: { type: "text" } }),
  "page/connection.js": () => import("./page/connection.js", { with: { type: "text" } }),
  "page/control_view.js": () => import("./page/control_view.js", { with: { type: "text" } }),
  "page/dom.js": () => import("./page/dom.js", { with: { type: "text" } }),
  "page/failure_samples.js": () => import("./page/failure_samples.js", { with: { type: "text" } }),
  "page/format.js": () => import("./page/format.js", { with: { type: "text" } }),
  "page/headline.js": () => import("./page/headline.js", { with: { type: "text" } }),
  "page/heat_map.js": () => import("./page/heat_map.js", { with: { type: "text" } }),
  "page/icon.svg": () => import("./page/icon.svg", { with: { type: "text" } }),
  "page/index.html": () => import("./page/index.html", { with: { type: "text" } }),
  "page/log_view.js": () => import("./page/log_view.js", { with: { type: "text" } }),
  "page/login_view.js": () => import("./page/login_view.js", { with: { type: "text" } }),
  "page/marks.js": () => import("./page/marks.js", { with: { type: "text" } }),
  "page/overlay_chart.js": () => import("./page/overlay_chart.js", { with: { type: "text" } }),
  "page/new_run.css": () => import("./page/new_run.css", { with: { type: "text" } }),
  "page/new_run.js": () => import("./page/new_run.js", { with: { type: "text" } }),
  "page/series_view.js": () => import("./page/series_view.js", { with: { type: "text" } }),
  "page/page.css": () => import("./page/page.css", { with: { type: "text" } }),
  "page/parts.css": () => import("./page/parts.css", { with: { type: "text" } }),
  "page/phases.js": () => import("./page/phases.js", { with: { type: "text" } }),
  "page/runs.css": () => import("./page/runs.css", { with: { type: "text" } }),
  "page/runs.html": () => import("./page/runs.html", { with: { type: "text" } }),
  "page/runs.js": () => import("./page/runs.js", { with: { type: "text" } }),
  "page/runs_table.js": () => import("./page/runs_table.js", { with: { type: "text" } }),
  "page/subjects.js": () => import("./page/subjects.js", { with: { type: "text" } }),
  "page/table.js": () => import("./page/table.js", { with: { type: "text" } }),
  "page/tables.js": () => import("./page/tables.js", { with: { type: "text" } }),
  "page/tables.css": () => import("./page/tables.css", { with: { type: "text" } }),
  "page/theme.css": () => import("./page/theme.css", { with: { type: "text" } }),
  "page/tiles.js": () => import("./page/tiles.js", { with: { type: "text" } }),
  "page/timeline.js": () => import("./page/timeline.js", { with: { type: "text" } }),
  "page/view_state.js": () => import("./page/view_state.js", { with: { type: "text" } }),
  "page/worker_details.js": () => import("./page/worker_details.js", { with: { type: "text" } }),
  "report_page/latency_chart.js": () =>
    import("./report_page/latency_chart.js", { with: { type: "text" } }),
  "report_page/report.css": () => import("./report_page/report.css", { with: { type: "text" } }),
  "report_page/report.html": () => import("./report_page/report.html", { with: { type: "text" } }),
  "report_page/report.js": () => import("./report_page/report.js", { with: { type: "text" } }),
  "report_page/report_text.js": () =>
    import("./report_page/report_text.js", { with: { type: "text" } }),
  "uplot/LICENSE": () => import("uplot/LICENSE", { with: { type: "text" } }),
  "uplot/uPlot.esm.js": () => import("uplot/dist/uPlot.esm.js", { with: { type: "text" } }),
  "uplot/uPlot.iife.min.js": () =>
    import("uplot/dist/uPlot.iife.min.js", { with: { type: "text" } }),
  "uplot/uPlot.min.css": () => import("uplot/dist/uPlot.min.css", { with: { type: "text" } }),
};

/** Reads a file by its name in this directory, or `uplot/…`. */
export async function readSource(name: string): Promise<string> {
  const load = SOURCES[name];
  if (load === undefined) throw new Error(`src/web/sources.ts does not list ${name}`);
  return (await load()).default;
}

/** The names of all files. */
export const SOURCE_NAMES: readonly string[] = Object.keys(SOURCES);
