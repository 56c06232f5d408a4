"""Apache Kafka as a real process: the benchmarks have it, which must not import tests."""

from benchmarks.broker import PASSWORD, USER, Broker, Node, free_ports, run_tool, topic_prefix

__all__ = ["PASSWORD", "USER", "Broker", "Node", "free_ports", "run_tool", "topic_prefix"]
