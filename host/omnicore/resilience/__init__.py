"""Ways to keep one failing part from hurting the rest: the circuit breaker."""
