"""Features in, propensity out: what is learned from the past, and how it is judged and served."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
"""Threads of XGBoost and scikit-learn that have to wait give their core away. By default they spin, and beside a busy
server a training on four cores then takes seven times the processor time. OpenMP reads it once, when it is loaded."""
