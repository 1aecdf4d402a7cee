"""Events from and to message brokers: Redis, RabbitMQ, NATS JetStream and Kafka."""
