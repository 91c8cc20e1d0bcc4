// A browser, with the package `playwright-core`. Each process starts one browser, and each user has a context
// in it: cookies, a cache and a page of its own. A browser needs far more memory and processor time than an
// HTTP user, so run a few of these users beside many HTTP users.
//
//     CHROMIUM=/usr/bin/chromium aiotest -f examples/browser.ts -H http://127.0.0.1:8000 -u 2 -t 30s
import { type Browser, chromium, type Page } from "npm:playwright-core@1.65.1";
import { events, User } from "aiotest";

const PAGE = { method: "PAGE" };

let browser: Promise<Browser> | null = null;

/** The browser of all users of this process. It is started by the first user. */
function sharedBrowser(): Promise<Browser> {
  return browser ??= chromium.launch({
    executablePath: Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium",
    // With its own handlers, the library would end the process at Ctrl-C, before aiotest has reported.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}

events.on("quitting", async () => {
  await (await browser?.catch(() => null))?.close();
});

export class VisitorTest extends User {
  static override host = "http://127.0.0.1:8000";

  #page: Page | null = null;

  // Not measured: how long the browser takes to start says nothing about the service.
  override async onStart(): Promise<void> {
    const context = await (await sharedBrowser()).newContext({ baseURL: this.host });
    context.setDefaultTimeout(10_000);
    this.#page = await context.newPage();
    // Calls of the page have no signal; they reject when it is closed.
    this.signal.addEventListener("abort", () => void context.close().catch(() => {}), {
      once: true,
    });
  }

  async testFrontPage(): Promise<void> {
    const page = this.#page!;
    await this.measure("front page", async () => {
      const response = await page.goto("/");
      if (!response?.ok()) throw new Error(`status ${response?.status()}`);
      // Until the visitor sees something. The page may load more after that.
      await page.getByRole("heading").first().waitFor();
    }, PAGE);
    // When the browser first drew something, as the page itself has measured it. It may say so a little later.
    const paint = await page.waitForFunction(() =>
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime
    );
    const latencyMs = await paint.jsonValue() as number;
    this.record({ name: "first contentful paint", latencyMs, ...PAGE });
  }

  override async onStop(): Promise<void> {
    await this.#page?.context().close();
  }
}
