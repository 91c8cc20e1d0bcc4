/**
 * The report that `--html` writes: a page in one file that needs nothing else, not even a network.
 *
 * @module
 */

import type { Snapshot } from "../stats/snapshot.ts";
import { reportContent, type RunMetadata } from "./report_content.ts";

// Modules for browsers put together as one script, for a page that is a file of its own: there, a module
// can import no other.

/** One module, or one script that is imported like one. */
export interface ScriptModule {
  /** What it is imported by: a path, or the name of a package. */
  readonly name: string;
  readonly text: string;
  /** The variable that a script leaves its one value in; left out for a module. */
  readonly variable?: string;
}

/**
 * The text of a module that does what the last of `modules` does. It knows the forms of import and
 * export that the page's modules use: names of relative modules, one default, exported declarations.
 *
 * @param modules each after those that it imports.
 * @throws Error where one imports what is not there before it, or in another way.
 */
export function linkedScript(modules: readonly ScriptModule[]): string {
  const variables = new Map<string, string>();
  const parts = modules.map((module, index) => {
    const exports = module.variable === undefined
      ? linked(module, variables)
      : `${module.text.trim()}\nreturn { default: ${module.variable} };`;
    const variable = `$${index}`;
    variables.set(module.name, variable);
    return `// ${module.name}\nconst ${variable} = (() => {\n${exports}\n})();\n`;
  });
  return parts.join("");
}

/** The body of a function that returns what a module exports. */
function linked({ name, text }: ScriptModule, variables: ReadonlyMap<string, string>): string {
  const exported: string[] = [];
  const body = withoutComments(text)
    .replaceAll(IMPORT, (_, names: string, from: string) => {
      const variable = variables.get(from.startsWith(".") ? resolved(from, name) : from);
      if (variable === undefined) {
        throw new Error(`${name} imports ${from}, which is not before it`);
      }
      return `const ${pattern(names)} = ${variable};`;
    })
    .replaceAll(EXPORT, (_, declaration: string, own: string) => {
      exported.push(own);
      return `${declaration}${own}`;
    });
  const rest = /^(import|export)\b.*/m.exec(body);
  if (rest !== null) throw new Error(`${name} cannot be linked: ${rest[0]}`);
  return `${body.trim()}\nreturn { ${exported.join(", ")} };`;
}

const IMPORT = /^import ([^"';]+?) from "([^"]+)";$/gm;
const EXPORT = /^export ((?:async )?function\*? |class |const )([\w$]+)/gm;

/** Comments that have lines of their own; who reads a report's source finds them in aiotest's. */
function withoutComments(text: string): string {
  return text.replaceAll(/^[ \t]*(?:\/\*\*[^]*?\*\/|\/\/.*)\n/gm, "");
}

/** Names of an import as a pattern: `{ a as b }` is `{ a: b }`, and a default `{ default: name }`. */
function pattern(names: string): string {
  return names.startsWith("{")
    ? names.replaceAll(/\s+as\s+/g, ": ").replaceAll(/\s+/g, " ")
    : `{ default: ${names} }`;
}

/** A relative path of an import, seen from where the modules' names start. */
function resolved(from: string, importer: string): string {
  return new URL(from, `file:///${importer}`).pathname.slice(1);
}

// What an HTML report is made of: the dashboard's own modules and style sheets, and what only a report
// has. Each is read when a report is made, and is named here, so that it is in the executable too.

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

/**
 * A run as a page: charts and tables as the dashboard has them, and how the run was configured.
 *
 * Whatever a test or a target has named lies in the page as data, which no browser reads as markup; and
 * a policy lets nothing run but the page's own script, and lets that load nothing.
 *
 * @param exitCode what the process is about to exit with, or would by now.
 */
export async function htmlReport(
  snapshot: Snapshot,
  exitCode: number,
  facts: RunMetadata,
): Promise<string> {
  const { page, icon, style, modules, licence } = await readReportSources();
  const script = `\n/*\n${licence.trim()}\n*/\n${linkedScript(modules)}`;
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${await digestOf(script)}'`,
    `style-src 'sha256-${await digestOf(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const parts: Readonly<Record<string, string>> = {
    policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    icon: `<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">`,
    style: `<style>${style}</style>`,
    data: `<script id="data" type="application/json">${
      inertJson(reportContent(snapshot, exitCode, facts))
    }</script>`,
    script: `<script type="module">${script}</script>`,
  };
  // In one go: what is put in is not looked through again.
  return page.replaceAll(/<!-- (policy|icon|style|data|script) -->/g, (_, name) => parts[name]!);
}

/** JSON without what ends an element or begins a comment. */
function inertJson(content: unknown): string {
  return JSON.stringify(content).replaceAll("<", "\\u003c");
}

/** As a content security policy names an element's text. */
async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64();
}
