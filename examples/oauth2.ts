// OAuth 2.0 with client credentials: all users of a process share one access token, as the instances of a
// service do, and one of them gets the next token before this one expires.
import process from "node:process";
import { FastHttpUser } from "aiotest";

const CLIENT_ID = process.env.CLIENT_ID ?? "load-test";
const CLIENT_SECRET = process.env.CLIENT_SECRET ?? "secret";

/** Part of a token's lifetime after which it is replaced. The rest is for requests that are on their way. */
const USED = 0.8;

let accessToken = "";
let replaceAt = 0;
let replacing: Promise<void> | null = null;

export class ReportsTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = 0.1;

  async testReport(): Promise<void> {
    await this.#authorize();
    await this.session.get("/reports");
  }

  /** Users that come while a token is on its way wait for that one. */
  async #authorize(): Promise<void> {
    if (performance.now() >= replaceAt) {
      replacing ??= this.#replace().finally(() => replacing = null);
      await replacing;
    }
    this.session.headers.set("authorization", `Bearer ${accessToken}`);
  }

  async #replace(): Promise<void> {
    const asked = performance.now();
    const form = { grant_type: "client_credentials", scope: "reports" };
    const auth: [string, string] = [CLIENT_ID, CLIENT_SECRET];
    const res = await this.session.post("/oauth/token", { form, auth, name: "access token" });
    if (!res.ok) throw new Error(`no access token: status ${res.status}`);
    const { access_token, expires_in } = await res.json();
    accessToken = access_token;
    replaceAt = asked + expires_in * 1_000 * USED;
  }
}
