// @ts-check
/// <reference lib="dom" />
/**
 * The login form.
 *
 * @module
 */

import { byId, setText } from "./dom.js";

/** Set in this tab's session storage after a login, so that "Log out" is offered. */
const LOGGED_IN = "aiotest-logged-in";

/**
 * What the form needs.
 *
 * @typedef {object} LoginOptions
 * @property {(command: "login" | "logout", body?: { token: string }) => Promise<void>} send
 * @property {() => void} onLogin
 * @property {() => void} onLogout
 */

/** Asks for the token, and offers to log out. */
export class LoginView {
  #options;
  #section = byId("login");
  #token = byId("token", HTMLInputElement);
  #logout = byId("logout", HTMLButtonElement);

  /** @param {LoginOptions} options */
  constructor(options) {
    this.#options = options;
    byId("login-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#logIn();
    });
    this.#logout.addEventListener("click", () => this.#logOut());
    this.#logout.hidden = sessionStorage.getItem(LOGGED_IN) === null;
  }

  /**
   * @param {boolean} required Whether the server requires a token.
   * @returns {void}
   */
  show(required) {
    if (this.#section.hidden !== required) return;
    this.#section.hidden = !required;
    this.#logout.hidden = required || sessionStorage.getItem(LOGGED_IN) === null;
    if (required) this.#token.focus();
  }

  async #logIn() {
    try {
      await this.#options.send("login", { token: this.#token.value });
      this.#token.value = "";
      setText(byId("login-message"), "");
      sessionStorage.setItem(LOGGED_IN, "yes");
      this.#options.onLogin();
    } catch (error) {
      setText(byId("login-message"), error instanceof Error ? error.message : String(error));
      this.#token.select();
    }
  }

  async #logOut() {
    // If the server has exited, so has the session.
    await this.#options.send("logout").catch(() => {});
    sessionStorage.removeItem(LOGGED_IN);
    this.#logout.hidden = true;
    this.#options.onLogout();
  }
}
