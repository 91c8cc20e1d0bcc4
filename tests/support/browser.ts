/// <reference lib="dom" />
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { isMissing } from "./machine.ts";

/** Only ends tests that would hang, so it is generous. */
const LIMIT_MS = 30_000;

const missing = isMissing("chromium");

/** The window that a page is opened in. */
export interface OpenPageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: "light" | "dark";
  /** Whether it accepts certificates of unknown authorities. */
  readonly acceptsAnyCertificate?: boolean;
}

/** A page in a browser. */
export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors and warnings, content security policy violations, and exceptions. */
  readonly complaints: string[];
}

let shared: Promise<Browser> | null = null;

/** The browser of all tests of a file, because it takes a while to start one. */
function sharedBrowser(): Promise<Browser> {
  return shared ??= openBrowser();
}

Deno.test.afterAll(async () => {
  await (await shared)?.close();
});

/** Defines a test that needs a browser. Its pages are closed afterwards. */
export function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  const reason = missing ? " (skipped: chromium is not installed)" : "";
  Deno.test({
    name: `${name}${reason}`,
    ignore: missing,
    // The browser is opened by the first test and closed after the last one.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const browser = await sharedBrowser();
      try {
        await fn(browser);
      } finally {
        await Promise.all(browser.contexts().map((context) => context.close()));
      }
    },
  });
}

/** Starts Chromium, as installed by Debian, in headless mode. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** Opens an empty page in its own browser context. */
export async function openPage(
  browser: Browser,
  options: OpenPageOptions = {},
): Promise<OpenedPage> {
  const { width = 1600, height = 1000, theme = "light", acceptsAnyCertificate = false } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    ignoreHTTPSErrors: acceptsAnyCertificate,
  });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.exposeFunction("reportViolation", (text: string) => void complaints.push(text));
  await page.addInitScript(() => {
    const { reportViolation } = globalThis as unknown as { reportViolation(text: string): void };
    addEventListener("securitypolicyviolation", (event) => {
      const { violatedDirective, blockedURI } = event as SecurityPolicyViolationEvent;
      reportViolation(`violates ${violatedDirective}: ${blockedURI}`);
    });
  });
  return { page, context, complaints };
}

/** The trimmed text of the only element that matches a selector. */
export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).innerText()).trim();
}

/** The texts of the cells of a table's rows, except those of hidden columns. */
export function rowsOf(page: Page, section: string): Promise<string[][]> {
  return page.locator(`section[aria-labelledby="${section}"] tbody tr`).evaluateAll((rows) =>
    rows.map((row) =>
      [...row.children].filter((cell) => !(cell as HTMLElement).hidden)
        .map(({ textContent }) => textContent ?? "")
    )
  );
}

/** Waits until an element contains a text. */
export async function waitForText(
  page: Page,
  selector: string,
  text: string | RegExp,
): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

/** Changes the width of the window, and waits until the page has adapted to it. */
export async function resize(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: page.viewportSize()!.height });
  await page.evaluate(async () => {
    // Observers of sizes run after the layout of a frame, and what they change is laid out in the next one.
    for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
  });
}

/** Whether something is drawn on each chart. */
export function drawnCharts(page: Page): Promise<boolean[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("canvas")].map((canvas) => {
      const { width, height } = canvas;
      // A copy, because reading a canvas twice makes it slow.
      const copy = Object.assign(document.createElement("canvas"), { width, height })
        .getContext("2d", { willReadFrequently: true })!;
      copy.drawImage(canvas, 0, 0);
      return copy.getImageData(0, 0, width, height).data.some((part) => part > 0);
    })
  );
}
