// @ts-check
/// <reference lib="dom" />
/**
 * The form that asks for the token.
 *
 * @module
 */

import { setText } from "./dom.js";
import { byId } from "./page_parts.js";

/** Remembers in this tab that there is something to log out of. */
const LOGGED_IN = "aiotest-logged-in";

/**
 * What the form does.
 *
 * @typedef {object} LoginPort
 * @property {(command: "login" | "logout", body?: { token: string }) => Promise<void>} send
 * @property {() => void} onLogin
 * @property {() => void} onLogout
 */

/** Asks for a token when it is shown. */
export class LoginView {
  #port;
  #section = byId("login");
  #token = byId("token", HTMLInputElement);
  #logout = byId("logout", HTMLButtonElement);

  /** @param {LoginPort} port */
  constructor(port) {
    this.#port = port;
    byId("login-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#login();
    });
    this.#logout.addEventListener("click", () => this.#leave());
    this.#logout.hidden = sessionStorage.getItem(LOGGED_IN) === null;
  }

  /**
   * @param {boolean} asked Whether the server asks for a token.
   * @returns {void}
   */
  show(asked) {
    if (this.#section.hidden !== asked) return;
    this.#section.hidden = !asked;
    this.#logout.hidden = asked || sessionStorage.getItem(LOGGED_IN) === null;
    if (asked) this.#token.focus();
  }

  async #login() {
    try {
      await this.#port.send("login", { token: this.#token.value });
      this.#token.value = "";
      setText(byId("login-message"), "");
      sessionStorage.setItem(LOGGED_IN, "yes");
      this.#port.onLogin();
    } catch (error) {
      setText(byId("login-message"), error instanceof Error ? error.message : String(error));
      this.#token.select();
    }
  }

  async #leave() {
    // Where nobody answers, there is nothing to log out of either.
    await this.#port.send("logout").catch(() => {});
    sessionStorage.removeItem(LOGGED_IN);
    this.#logout.hidden = true;
    this.#port.onLogout();
  }
}
