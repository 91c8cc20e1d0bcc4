/**
 * The files of the dashboard's page. Each is read when somebody asks for it, so that they cost whoever
 * does not look nothing, and is named here, so that they are in the executable too.
 *
 * @module
 */

import { REPORT_FILES } from "./report_formats.ts";

/** What a browser loads. */
export interface Asset {
  /** Its media type. */
  readonly type: string;
  readonly text: string;
}

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const IMAGE = "image/svg+xml";
const STYLE = "text/css; charset=utf-8";

type Text = Promise<{ readonly default: string }>;

/** By path. */
const ASSETS: Readonly<Record<string, readonly [type: string, load: () => Text]>> = {
  "/": [HTML, () => import("./page/index.html", { with: { type: "text" } })],
  "/assets/api.js": [SCRIPT, () => import("./page/api.js", { with: { type: "text" } })],
  "/assets/app.js": [SCRIPT, () => import("./page/app.js", { with: { type: "text" } })],
  "/assets/charts.js": [SCRIPT, () => import("./page/charts.js", { with: { type: "text" } })],
  "/assets/connection.js": [
    SCRIPT,
    () => import("./page/connection.js", { with: { type: "text" } }),
  ],
  "/assets/control_view.js": [
    SCRIPT,
    () => import("./page/control_view.js", { with: { type: "text" } }),
  ],
  "/assets/dom.js": [SCRIPT, () => import("./page/dom.js", { with: { type: "text" } })],
  "/assets/event_stream.js": [
    SCRIPT,
    () => import("./page/event_stream.js", { with: { type: "text" } }),
  ],
  "/assets/format.js": [SCRIPT, () => import("./page/format.js", { with: { type: "text" } })],
  "/assets/head_view.js": [SCRIPT, () => import("./page/head_view.js", { with: { type: "text" } })],
  "/assets/headline.js": [SCRIPT, () => import("./page/headline.js", { with: { type: "text" } })],
  "/assets/icon.svg": [IMAGE, () => import("./page/icon.svg", { with: { type: "text" } })],
  "/assets/log_view.js": [SCRIPT, () => import("./page/log_view.js", { with: { type: "text" } })],
  "/assets/login_view.js": [
    SCRIPT,
    () => import("./page/login_view.js", { with: { type: "text" } }),
  ],
  "/assets/observed_text.js": [
    SCRIPT,
    () => import("./page/observed_text.js", { with: { type: "text" } }),
  ],
  "/assets/page.css": [STYLE, () => import("./page/page.css", { with: { type: "text" } })],
  "/assets/page_parts.js": [
    SCRIPT,
    () => import("./page/page_parts.js", { with: { type: "text" } }),
  ],
  "/assets/parts.css": [STYLE, () => import("./page/parts.css", { with: { type: "text" } })],
  "/assets/row_order.js": [SCRIPT, () => import("./page/row_order.js", { with: { type: "text" } })],
  "/assets/table.js": [SCRIPT, () => import("./page/table.js", { with: { type: "text" } })],
  "/assets/tables.js": [SCRIPT, () => import("./page/tables.js", { with: { type: "text" } })],
  "/assets/target_fields.js": [
    SCRIPT,
    () => import("./page/target_fields.js", { with: { type: "text" } }),
  ],
  "/assets/theme.css": [STYLE, () => import("./page/theme.css", { with: { type: "text" } })],
  "/assets/tiles.js": [SCRIPT, () => import("./page/tiles.js", { with: { type: "text" } })],
  "/assets/tiles_view.js": [
    SCRIPT,
    () => import("./page/tiles_view.js", { with: { type: "text" } }),
  ],
  "/assets/timeline.js": [SCRIPT, () => import("./page/timeline.js", { with: { type: "text" } })],
  "/assets/view_state.js": [
    SCRIPT,
    () => import("./page/view_state.js", { with: { type: "text" } }),
  ],
  "/assets/uPlot.esm.js": [
    SCRIPT,
    () => import("uplot/dist/uPlot.esm.js", { with: { type: "text" } }),
  ],
  "/assets/uPlot.min.css": [
    STYLE,
    () => import("uplot/dist/uPlot.min.css", { with: { type: "text" } }),
  ],
};

/** Whether there is a file at a path. */
export function isAsset(path: string): boolean {
  return Object.hasOwn(ASSETS, path);
}

/** The file at a path that {@link isAsset} knows. */
export async function readAsset(path: string): Promise<Asset> {
  const [type, load] = ASSETS[path]!;
  const { default: text } = await load();
  return {
    type,
    text: type === SCRIPT ? forBrowsers(text) : type === HTML ? withReports(text) : text,
  };
}

/** Browsers know no packages: modules of the page import uPlot by the name that Deno knows it by. */
function forBrowsers(text: string): string {
  return text.replaceAll(/ from "uplot";/g, ' from "./uPlot.esm.js";');
}

/** The page with a button for each report that can be downloaded. */
function withReports(page: string): string {
  const buttons = REPORT_FILES.map(({ kind, title }) =>
    `<li><a class="button small" href="api/report/${kind}" download>${title}</a></li>`
  );
  return page.replace("<!-- reports -->", buttons.join("\n              "));
}
