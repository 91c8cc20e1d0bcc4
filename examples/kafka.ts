// Kafka, with the package `@platformatic/kafka`. The users of a process share one producer, as the requests
// of a service do. It measures until the broker has confirmed the message.
//
//     aiotest -f examples/kafka.ts -H 127.0.0.1:9092 -u 20 -t 30s
import { Producer, stringSerializers } from "npm:@platformatic/kafka@2.12.1";
import { events, User } from "aiotest";

type TextProducer = Producer<string, string, string, string>;

let producer: TextProducer | null = null;

events.on("quitting", async () => {
  await producer?.close(true);
});

export class OrdersTest extends User {
  static override host = "127.0.0.1:9092";
  static override waitTime = 0.2;

  async testOrder(): Promise<void> {
    producer ??= openProducer(this.host);
    const messages = [{
      topic: "orders",
      key: String(this.id), // messages with the same key stay in order
      value: JSON.stringify({ buyer: this.id, article: 1 + this.iteration % 100 }),
    }];
    // The first message of a process also waits for the connection and for the list of brokers.
    await this.measure("send order", () => producer!.send({ messages, acks: -1 }), {
      method: "KAFKA",
    });
  }
}

function openProducer(host: string): TextProducer {
  return new Producer({
    clientId: "aiotest",
    bootstrapBrokers: host.split(","),
    serializers: stringSerializers,
    // Repeated attempts would hide failures, and add their pauses to the time of a message.
    retries: 0,
    connectTimeout: 10_000,
    timeout: 10_000,
  });
}
