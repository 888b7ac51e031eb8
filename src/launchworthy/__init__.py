"""Launchworthy: prove that an AI feature is ready to launch, and keep proving it while it runs."""

__version__ = "0.1.0"
