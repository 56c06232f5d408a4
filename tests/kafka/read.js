// Prints the records of a topic as JSON lines, as kafkajs reads them: what a consumer in Node sees.
// node read.js HOST:PORT TOPIC COUNT
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require("kafkajs");
const LZ4 = require("@2l/kafkajs-lz4");

CompressionCodecs[CompressionTypes.LZ4] = new (LZ4.default || LZ4)().codec;

async function main(broker, topic, count) {
  const kafka = new Kafka({ clientId: "reader", brokers: [broker], logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({ groupId: `reader-${process.pid}-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let left = Number(count);
  const read = new Promise((resolve) => {
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        const headers = Object.entries(message.headers).map(([name, value]) => [name, value.toString()]);
        console.log(JSON.stringify({
          partition,
          key: message.key.toString("base64"),
          value: message.value.toString("base64"),
          timestamp: Number(message.timestamp),
          headers: Object.fromEntries(headers),
        }));
        left -= 1;
        if (left === 0) resolve();
      },
    });
  });
  await read;
  await consumer.disconnect();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
