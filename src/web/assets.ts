/**
 * The files that the dashboard serves.
 *
 * @module
 */

import { HEARTBEAT_MS, LOG_LINES } from "./live_view.ts";
import { REPORT_FILES } from "./report_formats.ts";
import { readSource, SOURCE_NAMES } from "./sources.ts";

/** A file that the dashboard serves. */
export interface Asset {
  readonly mediaType: string;
  readonly text: string;
}

/** The names of the source files, by path. */
const ASSETS: ReadonlyMap<string, string> = new Map([
  ["/", "page/index.html"],
  ["/runs", "page/runs.html"],
  ["/assets/uPlot.esm.js", "uplot/uPlot.esm.js"],
  ["/assets/uPlot.min.css", "uplot/uPlot.min.css"],
  ...SOURCE_NAMES
    .filter((name) => name.startsWith("page/") && !name.endsWith(".html"))
    .map((name): [string, string] => [name.replace("page", "/assets"), name]),
]);

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Whether a path leads to a file. */
export function isAsset(path: string): boolean {
  return ASSETS.has(path);
}

/**
 * The file at a path that {@link isAsset} accepts.
 *
 * @param base the path below which the browser sees the dashboard; empty if it is not known.
 */
export async function readAsset(path: string, base = ""): Promise<Asset> {
  const name = ASSETS.get(path)!;
  const mediaType = MEDIA_TYPES[name.split(".").at(-1)!]!;
  const text = await readSource(name);
  return { mediaType, text: name.endsWith(".html") ? filledIn(text, base) : forBrowsers(text) };
}

/** Browsers cannot resolve package names, so modules must import uPlot by its path. */
function forBrowsers(text: string): string {
  return text.replaceAll(/ from "uplot";/g, ' from "./uPlot.esm.js";');
}

/** The page with what it needs to know about its server: settings, and the reports on offer. */
function filledIn(page: string, base: string): string {
  const values = [["heartbeat-ms", HEARTBEAT_MS], ["log-lines", LOG_LINES], ["base-path", base]];
  const settings = values
    .map(([name, value]) => `<meta name="${name}" content="${value}">`);
  // Most runs would have nothing but titles in the others.
  const always = REPORT_FILES.filter(({ isEmpty }) => isEmpty === undefined);
  const buttons = always.map(({ kind, title }) =>
    `<li><a class="button small" href="api/report/${kind}" download>${title}</a></li>`
  );
  return page
    .replace("<!-- settings -->", settings.join("\n    "))
    .replace("<!-- place -->", `aiotest expects this page at ${base}/.`)
    .replace("<!-- reports -->", buttons.join("\n              "));
}
