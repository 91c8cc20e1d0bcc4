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
}

/** A page in a browser. */
export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors and warnings, content security policy violations, and exceptions. */
  readonly complaints: string[];
}

/** Defines a test that needs a browser. */
export function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  const reason = missing ? " (skipped: chromium is not installed)" : "";
  Deno.test({
    name: `${name}${reason}`,
    ignore: missing,
    fn: async () => {
      const browser = await openBrowser();
      try {
        await fn(browser);
      } finally {
        await browser.close();
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
  const { width = 1600, height = 1000, theme = "light" } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
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
