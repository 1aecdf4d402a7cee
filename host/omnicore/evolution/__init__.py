"""The search for better architectures: workflows with knobs, judged on cases."""
