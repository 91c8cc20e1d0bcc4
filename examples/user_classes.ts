// Several user classes: three readers for each writer, and always exactly one admin.
import { FastHttpUser } from "aiotest";

export class ReaderTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override weight = 3;

  async testList(): Promise<void> {
    await this.session.get("/articles");
  }

  async testRead(): Promise<void> {
    const id = 1 + this.id % 100;
    // One name for all articles. Without it, the report would have one line for each of them.
    await this.session.get(`/articles/${id}`, { name: "/articles/:id" });
  }
}

export class WriterTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";

  async testWrite(): Promise<void> {
    await this.session.post("/articles", { json: { title: "Hello", author: this.id } });
  }
}

export class AdminTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override fixedCount = 1;

  async testStatus(): Promise<void> {
    await this.session.get("/status");
  }
}
