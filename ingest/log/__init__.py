"""Makes batches durable: Kafka, segment files, delivery. Knows bytes, keys and ids, no meaning."""
